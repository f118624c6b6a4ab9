"""The program helm on one chart."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Kubernetes that manifests are checked against: the oldest that the chart takes, for which they are rendered, and newer ones.
VERSIONS = ["1.30.0", "1.34.0", "1.37.0"]


class Refused(Exception):
    """Helm did not render; its message."""


class Helm:
    def __init__(self, program: Path, chart: Path):
        self.program, self.chart = program.resolve(), chart.resolve()
        # Configuration and cache of a user who has none.
        self.texts = {}
        self.home = tempfile.TemporaryDirectory(prefix="sluiceway-helm-")

    def value_sets(self):
        return sorted((self.chart / "ci").glob("*-values.yaml"))

    def run(self, command, *options):
        environment = {"HOME": self.home.name, "PATH": "/usr/bin:/bin"}
        ended = subprocess.run([self.program, command, *map(str, options)], capture_output=True, text=True, env=environment)
        if ended.returncode:
            raise Refused(ended.stderr + ended.stdout)
        return ended.stdout

    def lint(self, values):
        return self.run("lint", self.chart, "--strict", "--kube-version", VERSIONS[-1], "--values", values)

    def rendered(self, values):
        """The manifests of a set of values; rendered once."""
        if values not in self.texts:
            self.texts[values] = self.template("--values", values)
        return manifests(self.texts[values])

    def render(self, *options, release="sluiceway"):
        """The manifests of an installation into the namespace `data`."""
        return manifests(self.template(*options, release=release))

    def notes(self, values, release="sluiceway"):
        """What `helm install` says at its end. `helm template` leaves it out, so a copy of the chart has it as a manifest."""
        with tempfile.TemporaryDirectory(prefix="sluiceway-notes-") as folder:
            templates = Path(shutil.copytree(self.chart, Path(folder, "chart")), "templates")
            text = templates.joinpath("NOTES.txt").read_text()
            templates.joinpath("_notes.tpl").write_text('{{- define "notes" -}}\n' + text + "{{- end -}}\n")
            templates.joinpath("notes.yaml").write_text('text: {{ include "notes" . | toJson }}\n')
            options = ["--namespace=data", f"--kube-version={VERSIONS[0]}", "--show-only=templates/notes.yaml", "--values", values]
            return manifests(self.run("template", release, templates.parent, *options))[0]["text"]

    def template(self, *options, release="sluiceway"):
        return self.run("template", release, self.chart, "--namespace=data", f"--kube-version={VERSIONS[0]}", *options)


def manifests(text):
    return [manifest for manifest in yaml.load_all(text, Loader=Loader) if manifest]
