"""The pods of an installation as processes of this machine: Services become 127.0.0.1, mounts a folder."""

import json
import re
import uuid
from pathlib import Path

from .manifests import container_port, named, of_kind, pod_of, pods

NAMESPACE = "data"
MOUNTS = "/etc/sluiceway"
PROGRAMS = "/usr/local/bin/"


def write(helm, settings, secrets, out):
    values = helm.chart / "ci/verify-values.yaml"
    options = [f"--set={setting}" for setting in settings]
    installation = Installation(helm.render("--values", values, *options), secrets, out)
    plan = {"pods": [installation.pod(*found) for found in pods(installation.manifests)]}
    (out / "plan.json").write_text(json.dumps(plan, indent=2))


class Installation:
    def __init__(self, manifests, secrets, out, own=None):
        self.manifests = manifests
        # One folder for all: what pods have at the same place is the same, and connectors name places in the workers' pods. Pods of
        # another rendering have their own but for the Secrets that connectors name.
        self.mounts = (own or out) / "mounts"
        self.shared = out / "mounts/secrets"
        self.secrets = {}
        for secret in secrets:
            place, value = secret.split("=", 1)
            name, key = place.split("/")
            self.secrets.setdefault(name, {})[key] = value

    def pod(self, manifest, metadata, spec):
        container = spec["containers"][0]
        name = metadata["labels"]["app.kubernetes.io/component"].replace("test", "trial")
        self.mount(spec, container)
        assert container["command"][0].startswith(PROGRAMS), container["command"]
        pre_stop = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        return {
            "name": name,
            "program": container["command"][0].removeprefix(PROGRAMS),
            "arguments": [self.here(text) for text in container["command"][1:] + container["args"]],
            "environment": self.environment(manifest, container),
            "probes": [*self.probes(container), *self.services(metadata, container)],
            "seconds_to_end": spec.get("terminationGracePeriodSeconds", 30) - pre_stop,
        }

    def mount(self, spec, container):
        sources = {volume["name"]: volume for volume in spec["volumes"]}
        for mount in container["volumeMounts"]:
            source = sources[mount["name"]]
            if "configMap" in source:
                files = named(self.manifests, "ConfigMap", source["configMap"]["name"])["data"]
            else:
                files = self.secrets[source["secret"]["secretName"]]
                if "items" in source["secret"]:
                    files = {item["path"]: files[item["key"]] for item in source["secret"]["items"]}
            assert mount["mountPath"].startswith(MOUNTS), mount
            target = Path(self.here(mount["mountPath"]))
            target.mkdir(parents=True, exist_ok=True)
            for file, text in files.items():
                # In one step: another pod may be reading the file that is there.
                new = target / f".{file}.{uuid.uuid4()}"
                new.write_text(self.here(text))
                new.rename(target / file)

    def environment(self, manifest, container):
        pod_name = manifest["metadata"]["name"] + "-0"
        result = {}
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            if "secretKeyRef" in source:
                value = self.secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]]
            elif "fieldRef" in source:
                assert source["fieldRef"]["fieldPath"] == "metadata.name", source
                value = pod_name
            else:
                value = variable["value"]
            # Kubernetes replaces variables that stand before.
            value = re.sub(r"\$\((\w+)\)", lambda found: result[found[1]], value)
            result[variable["name"]] = value
        return {key: self.here(value) for key, value in result.items()}

    def here(self, text):
        """Mounts and Services as they are on this machine."""
        text = text.replace(MOUNTS + "/secrets", str(self.shared)).replace(MOUNTS, str(self.mounts))
        for service in of_kind(self.manifests, "Service"):
            host = rf"([a-z0-9-]+\.)?{re.escape(service['metadata']['name'])}\.{NAMESPACE}\.svc"
            for port in service["spec"]["ports"]:
                text = re.sub(rf"{host}:{port['port']}\b", f"127.0.0.1:{self.target(service, port)}", text)
            text = re.sub(rf"{host}$", "127.0.0.1", text)
        return text

    def target(self, service, port):
        """The container port behind a Service's port."""
        for _, metadata, spec in pods(self.manifests):
            if service["spec"]["selector"].items() <= metadata["labels"].items():
                return container_port(spec["containers"][0], port["targetPort"])
        raise AssertionError(f"nothing behind {service['metadata']['name']}")

    def probes(self, container):
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if kind in container:
                probe = container[kind]["httpGet"]
                yield f"http://127.0.0.1:{container_port(container, probe['port'])}{probe['path']}"

    def services(self, metadata, container):
        """What each port of the pod's Services has to answer."""
        for service in of_kind(self.manifests, "Service"):
            if not service["spec"]["selector"].items() <= metadata["labels"].items():
                continue
            for port in service["spec"]["ports"]:
                path = "/metrics" if port["targetPort"] == "admin" else "/"
                yield f"http://127.0.0.1:{container_port(container, port['targetPort'])}{path}"
