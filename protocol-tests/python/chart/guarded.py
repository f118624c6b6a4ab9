"""The installation of ci/guarded-values.yaml on a real Kafka and S3: its proxy and its worker, which want to know who calls; then the
connectors' job and the pod of `helm test` as they are rendered for each kind of credentials, and for none."""

import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from . import callers
from .manifests import pods
from .pods import Installation
from .starts import PORTS, Program, free_ports

# Where the credentials stand in the values, and what they are for each kind.
PLACES = ["sink.restCredentials", "test.proxyCredentials"]
KINDS = {
    "password": {"secretName": "trial-user", "tls.secretName": ""},
    "token": {"secretName": "trial-secrets", "tokenKey": "token", "tls.secretName": ""},
    "key": {"secretName": "trial-secrets", "apiKeyKey": "key", "tls.secretName": ""},
    # As ci/guarded-values.yaml has it.
    "certificate": {},
    "nothing": {"tls.secretName": ""},
    # That is, nothing to the proxy.
    "sink-only": {"tls.secretName": ""},
}
REFUSED = {("apply", "nothing"), ("trial", "nothing"), ("trial", "sink-only")}
ENDS = {"apply": "posts: RUNNING, 1 tasks", "trial": ": holds the record"}


def check(helm, programs, settings):
    """What is wrong, in words."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluiceway-guarded-")))
        provider = stack.enter_context(callers.Provider(folder))
        guarded = Guarded(helm, programs, settings, provider, folder)
        running = [stack.enter_context(program) for program in guarded.servers()]
        for program in running:
            program.wait()
        found = [told for program in running for told in program.complaints()]
        if not found:
            with ThreadPoolExecutor(len(KINDS)) as threads:
                found = [told for several in threads.map(lambda kind: list(guarded.client(kind)), KINDS) for told in several]
        for program in running:
            program.terminate()
        found += [told for program in running for told in program.ending()]
        return found + [program.log.read_text() for program in running if found]


class Guarded:
    def __init__(self, helm, programs, settings, provider, folder):
        self.helm, self.programs, self.folder = helm, programs, folder
        authority = callers.Authority(folder)
        server = authority.server()
        secrets = {
            "proxy-tls": server,
            "sink-tls": server,
            "callers": callers.known(),
            "trial-certificate": authority.client(),
            "trial-user": {"username": callers.NAME, "password": callers.PASSWORD},
            "trial-secrets": {"token": provider.token(), "key": callers.KEY},
        }
        self.secrets = [f"{name}/{key}={text}" for name, keys in secrets.items() for key, text in keys.items()]
        self.secrets += settings.secret
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        keys = {f"{one}.configurationOverrides.oauthbearer\\.jwks\\.endpoint\\.url": provider.url() for one in ("proxy", "sink")}
        values = {**self.ports, **keys}
        self.options = ["--values", helm.chart / "ci/guarded-values.yaml", *(f"--set={name}={value}" for name, value in values.items())]
        self.options += [f"--set={setting}" for setting in settings.set]

    def pods(self, *options, own=None):
        installation = Installation(self.helm.render(*self.options, *options), self.secrets, self.folder, own)
        return [(found[0]["kind"], installation, found) for found in pods(installation.manifests)]

    def servers(self):
        for kind, installation, found in self.pods():
            if kind in ("Deployment", "StatefulSet"):
                plan = installation.pod(*found)
                own = {name.split(".")[2]: port for name, port in self.ports.items() if name.startswith(plan["name"])}
                yield Program(plan["name"], self.programs[plan["name"]], plan, own, self.folder, {})

    def client(self, kind):
        """Both short-lived pods with this kind of credentials. Names of their own, so that the kinds do not meet."""
        places = PLACES[1:] if kind == "sink-only" else PLACES
        values = {f"{place}.{name}": value for place in places for name, value in KINDS[kind].items()}
        values |= {"fullnameOverride": f"by-{kind}", "sink.connectorsJob.timeoutSeconds": 90, "test.timeoutSeconds": 90}
        values["test.topic"] = f"{self.folder.name}-{kind}"
        options = [f"--set={name}={value}" for name, value in values.items()]
        found = [one for one in self.pods(*options, own=self.folder / kind) if one[0] in ("Job", "Pod")]
        if len(found) != 2:
            yield f"{kind}: {len(found)} short-lived pods"
        for _, installation, manifest in found:
            yield from self.ended(kind, installation.pod(*manifest))

    def ended(self, kind, plan):
        command = [self.programs["sink"], *plan["arguments"]]
        environment = {"AWS_EC2_METADATA_DISABLED": "true", **plan["environment"]}
        ended = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment, stdin=subprocess.DEVNULL)
        said, does = ended.stdout + ended.stderr, plan["arguments"][0]
        if (does, kind) in REFUSED:
            right = ended.returncode == 1 and "401" in said
        else:
            right = ended.returncode == 0 and ENDS[does] in said
        if not right:
            yield f"{does} with {kind} ended with {ended.returncode}: {said}"
