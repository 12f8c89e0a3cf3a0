"""Houses as an operator starts them: by compose, through `deploy/house`, with his runbooks."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from house.demo.papers import referral_file
from tests.architecture.source import ROOT

LEAD = "together"


@dataclass
class Operated:
    """Houses of a project of its own, so that others on this machine are left alone."""

    folder: Path
    project: str

    @property
    def environment(self) -> dict[str, str]:
        """What `make` and the scripts of deploy/ are told."""
        own = {
            "PROJECT": self.project,
            "SECRETS": str(self.folder / "secrets"),
            "BACKUPS": str(self.folder / "backups"),
        }
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, **own, "EMAIL_DOMAINS": "probation.example", "PATH": path}

    def run(self, *command: str, within: float = 240) -> subprocess.CompletedProcess[str]:
        """A command as an operator would give it."""
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=within, check=False
        )

    def must(self, *command: str, within: float = 240) -> str:
        """The same for what may not fail: what it said."""
        done = self.run(*command, within=within)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def house(self, *words: str, node: str = LEAD) -> str:
        """A verb of `deploy/house`."""
        return self.must("deploy/house", node, *words)

    def facts(self, *words: str, node: str = LEAD) -> Any:
        """What a command of `throughcare` says with `--json`."""
        return json.loads(self.house("run", *words, "--json", node=node))

    def audited(self, node: str = LEAD) -> dict[str, Any]:
        """The product's own audit once the house is quiet; it must be clean."""
        self.facts("status", "--wait-quiet", "120", node=node)
        return self.facts("doctor", "--audit", node=node)

    def runbook(self, name: str, *words: str) -> str:
        """A runbook's script on the lead house."""
        told = self.must(f"deploy/runbooks/{name}", LEAD, *words)
        assert "Clean." in told or name == "parked-message", told
        return told

    def container(self, service: str, node: str = LEAD) -> str:
        """The id of a service's container, running or not."""
        labels = f"label=com.docker.compose.service={service}"
        project = f"label=com.docker.compose.project={self.project}-{node}"
        return self.must("docker", "ps", "--all", "--quiet", "--filter", labels, "--filter", project).split()[0]

    def given(self, name: str, text: str, node: str = LEAD) -> str:
        """A file for a house's command line: where it finds it."""
        (self.folder / "backups" / node / name).write_text(text)
        return f"/backups/{name}"

    def refer(self, first: int, count: int) -> None:
        """Referrals of men of these numbers, from a file."""
        header, *rows = referral_file(datetime.now(UTC).date(), rows=first + count).splitlines()
        file = self.given("men.csv", "\r\n".join([header, *rows[first : first + count]]))
        assert self.facts("import", "referrals", file)["outcomes"]["SUBMITTED"] == count

    def refer_until(self, over: Event, first: int) -> int:
        """Files of referrals, one after the other, until it is over: how many. Fails at the first that is not taken
        whole."""
        files = 0
        while not over.is_set():
            self.refer(first + 20 * files, 20)
            files += 1
        return files

    def replace_the_bus(self) -> None:
        """The lead's broker is gone with its disk, and a new one stands in its place."""
        self.must("docker", "rm", "--force", "--volumes", self.container("kafka"))
        self.must("docker", "volume", "rm", f"{self.project}-{LEAD}_log")
        (self.folder / "secrets" / "bus" / "broker" / "cluster.id").unlink()
        self.secrets()

    def secrets(self, node: str = LEAD) -> None:
        """What `make secrets` does."""
        self.must("throughcare", "secrets", "--node", node, "--into", str(self.folder / "secrets"))
