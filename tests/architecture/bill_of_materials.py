"""What our images hold: `python -m tests.architecture.bill_of_materials FOLDER` writes sbom.json and licences.txt."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT

# What a package's own description leaves out, as its licence file says.
FOUND = {"dumb-init": "MIT", "protobuf": "BSD-3-Clause"}
OF_IMAGES = ("main", "image")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    """Every package of an image with its version."""
    text = "\n".join((ROOT / "requirements" / f"{group}.txt").read_text() for group in OF_IMAGES)
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)}


def bill() -> dict:
    """CycloneDX of the installed packages, of which those stay that an image holds."""
    tool = Path(sys.executable).parent / "cyclonedx-py"
    command = [tool, "environment", "--output-format", "JSON", "--output-reproducible", sys.executable]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    wanted = pinned()
    told["components"] = [each for each in told["components"] if normal(each["name"]) in wanted]
    kept = {each["bom-ref"] for each in told["components"]}
    told["dependencies"] = [
        {**each, "dependsOn": sorted(kept & set(each.get("dependsOn", [])))}
        for each in told.get("dependencies", [])
        if each["ref"] in kept
    ]
    return told


def licence(component: dict) -> str:
    """As its makers say: an expression, an id or a name."""
    said = [
        each.get("expression") or each["license"].get("id") or each["license"].get("name", "")
        for each in component.get("licenses", [])
    ]
    return "; ".join(dict.fromkeys(filter(None, said))) or FOUND.get(normal(component["name"]), "")


def main(folder: Path) -> None:
    found = bill()
    (folder / "sbom.json").write_text(json.dumps(found, indent=1))
    lines = [f"{each['name']} {each['version']}: {licence(each)}\n" for each in found["components"]]
    (folder / "licences.txt").write_text("".join(sorted(lines, key=str.lower)))
    print(f"{len(lines)} packages: {folder / 'sbom.json'}, {folder / 'licences.txt'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
