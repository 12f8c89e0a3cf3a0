"""The services of deploy/compose.yaml as testcontainers starts them: what is tested is what operators are given."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from testcontainers.core.container import DockerContainer

from tests.architecture.source import ROOT

DEPLOY = ROOT / "deploy"
_AS_SAID = ("read_only", "cap_drop", "cap_add", "security_opt", "user", "shm_size", "entrypoint")
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


@dataclass
class Composed:
    """One compose file with its variables filled in."""

    variables: dict[str, str]
    file: Path = DEPLOY / "compose.yaml"
    services: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        text = _VARIABLE.sub(lambda found: self.variables.get(found[1], found[2]), self.file.read_text())
        self.services = yaml.safe_load(text)["services"]

    def container(self, name: str, **environment: str) -> DockerContainer:
        """A container of this service, not yet on any network."""
        said = self.services[name]
        container = DockerContainer(said["image"])
        for variable, value in {**said.get("environment", {}), **environment}.items():
            container.with_env(variable, value)
        for volume in said.get("volumes", []):
            source, target, *mode = volume.split(":")
            if "/" in source:  # named volumes live as long as their container here
                container.with_volume_mapping(str((DEPLOY / source).resolve()), target, *(mode or ["rw"]))
        if "command" in said:
            container.with_command(said["command"])
        container.tmpfs.update(dict(each.split(":") for each in said["tmpfs"]))
        return container.with_kwargs(**{name: said[name] for name in _AS_SAID if name in said})
