"""The programs, started as the pods of every set of values say: files, environment, Secrets, ports. There is no Kafka here, for which
neither waits long: what is shown is that they take everything they are given, and answer."""

import http.client
import random
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from .callers import Authority, known
from .manifests import pods
from .pods import Installation

PATIENCE = 60
PORTS = ["proxy.ports.http", "proxy.ports.admin", "proxy.ports.peers", "sink.ports.http", "sink.ports.admin"]
LOGIN = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";'


def of_every_set(helm, programs):
    """Starts all of them at once; what is wrong, in words."""
    with ExitStack() as stack:
        running = []
        for values in helm.value_sets():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluiceway-starts-")))
            running += [stack.enter_context(program) for program in of_set(helm, values, programs, folder)]
        for step in (Program.wait, Program.complaints, Program.terminate, Program.ending):
            found = [f"{program.name}: {told}" for program in running for told in step(program) or []]
            if found:
                break
        return found, [program.name for program in running]


def of_set(helm, values, programs, folder):
    ports = dict(zip(PORTS, free_ports(len(PORTS))))
    settings = {**ports, "kafka.bootstrapServers": "127.0.0.1:1"}
    manifests = helm.render("--values", values, *(f"--set={name}={value}" for name, value in settings.items()))
    installation = Installation(manifests, secrets(folder), folder)
    for found in pods(manifests):
        if found[0]["kind"] in ("Deployment", "StatefulSet"):
            plan = installation.pod(*found)
            own = {name.split(".")[2]: port for name, port in ports.items() if name.startswith(plan["name"])}
            variables = {"AWS_REGION": "eu-west-1", "CONNECT_SLUICEWAY_KAFKA_TIMEOUT_MS": "500"}
            yield Program(f"{values.name}, {plan['name']}", programs[plan["name"]], plan, own, folder, variables)


def free_ports(count):
    """Below those that the kernel gives to clients, so that none of these takes one before the program does."""
    ports = set()
    while len(ports) < count:
        port = random.randint(20_000, 30_000)
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) != 0:
                ports.add(port)
    return list(ports)


def secrets(folder):
    """What the Secrets of all sets hold, as `Secret/key=value`."""
    server = Authority(folder).server()
    files = {"kafka-tls": server, "proxy-tls": server, "sink-tls": server, "callers": known()}
    return [
        *(f"{secret}/{key}={text}" for secret, keys in files.items() for key, text in keys.items()),
        f"kafka-login/sasl.jaas.config={LOGIN}",
        "proxy-users/password.properties=somebody: something,admin\n",
        "registry-login/user-info=somebody:something",
        "s3-keys/id=an-id",
        "s3-keys/secret=a-secret",
        "sluiceway-peers/peers-secret=sixteen-or-more-characters",
    ]


class Program:
    def __init__(self, name, program, plan, ports, folder, variables):
        self.name, self.ports = name, ports
        # A path that needs no Kafka.
        self.path = {"proxy": "/", "sink": "/connector-plugins"}[plan["name"]]
        self.log = folder / f"{plan['name']}.log"
        # As a pod has it: nothing of this machine's, and no roles of a cloud.
        environment = {"AWS_EC2_METADATA_DISABLED": "true", **variables, **plan["environment"]}
        with self.log.open("w") as log:
            command = [program, *plan["arguments"]]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def wait(self):
        """Until it lives and answers its clients, if only by asking who they are; or has ended."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None and not self.is_there():
            time.sleep(0.1)

    def is_there(self):
        answers = (status(scheme, self.ports["http"], self.path) for scheme in ("http", "https"))
        return status("http", self.ports["admin"], "/livez") == 200 and any(answer in (200, 401) for answer in answers)

    def complaints(self):
        said = self.log.read_text()
        if self.process.poll() is not None:
            yield f"ended with {self.process.returncode}: {said}"
        elif not self.is_there():
            yield f"did not answer in {PATIENCE} s: {said}"
        yield from (line for line in said.splitlines() if "unknown configuration key" in line or "no effect" in line)

    def terminate(self):
        self.process.terminate()

    def ending(self):
        code = self.process.wait(timeout=PATIENCE)
        if code not in (0, 143):
            yield f"ended with {code} when it was told to end: {self.log.read_text()}"


def status(scheme, port, path):
    """None when there is no answer. Nobody but this process knows the certificate."""
    context = ssl._create_unverified_context()
    try:
        return urllib.request.urlopen(f"{scheme}://127.0.0.1:{port}{path}", timeout=5, context=context).status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return None
