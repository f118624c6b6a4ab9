"""What a cluster's policies ask of pods: the restricted Pod Security Standard, limits, probes, images with a version, no secrets in
plain sight. Each function yields what is wrong, in words."""

import re

from .manifests import container_port, matches, named, of_kind, pod_of, pods

# Of the restricted standard.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SECRET_NAME = re.compile(r"(PASSWORD|SECRET|TOKEN|API_KEY|USER_INFO|JAAS_CONFIG)", re.IGNORECASE)


def restricted(spec):
    context = spec.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
        yield "may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"uses {field}"
    for volume in spec.get("volumes", []):
        for kind in set(volume) - {"name"} - VOLUMES:
            yield f"mounts a {kind}"
    for container in spec["containers"] + spec.get("initContainers", []):
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
            yield "may gain privileges"
        if context.get("capabilities") != {"drop": ["ALL"]}:
            yield "keeps capabilities"
        if context.get("readOnlyRootFilesystem") is not True:
            yield "may write to its root file system"


def beyond_restricted(spec):
    if spec.get("automountServiceAccountToken") is not False:
        yield "has a token of the Kubernetes API, which it does not use"
    if spec.get("enableServiceLinks") is not False:
        yield "has Services in its environment, where KAFKA_REST_… and CONNECT_… are settings"


def images(spec):
    for container in spec["containers"]:
        image = container["image"]
        if "@sha256:" not in image and (":" not in image.rsplit("/", 1)[-1] or image.endswith(":latest")):
            yield f"{image}: nobody can say what runs"


def limits(spec):
    for container in spec["containers"]:
        for kind in ("requests", "limits"):
            for amount in ("cpu", "memory"):
                if amount not in container.get("resources", {}).get(kind, {}):
                    yield f"has no {kind}.{amount}"


def probes(manifest, spec):
    if manifest["kind"] not in ("Deployment", "StatefulSet"):
        return
    for container in spec["containers"]:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe not in container:
                yield f"has no {probe}"
            else:
                container_port(container, container[probe]["httpGet"]["port"])


def secrets(spec):
    for container in spec["containers"]:
        for variable in container.get("env", []):
            if SECRET_NAME.search(variable["name"]) and "value" in variable:
                yield f"{variable['name']} stands in the manifest"


def time_to_end(manifest, spec, config):
    """The grace period covers preStop and the program's own drain, with a margin."""
    if manifest["kind"] not in ("Deployment", "StatefulSet"):
        return
    pre_stop = spec["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    key = {"Deployment": "shutdown.graceful.ms", "StatefulSet": "task.shutdown.graceful.timeout.ms"}[manifest["kind"]]
    needed = pre_stop + int(config[key]) / 1000 + 5
    if spec["terminationGracePeriodSeconds"] < needed:
        yield f"needs {needed} s to end and has {spec['terminationGracePeriodSeconds']}"


def volumes(manifests, spec):
    known = {volume["name"]: volume for volume in spec.get("volumes", [])}
    for container in spec["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in known:
                yield f"mounts the unknown volume {mount['name']}"
    for volume in known.values():
        if "configMap" in volume:
            named(manifests, "ConfigMap", volume["configMap"]["name"])


def private_keys(manifest, spec):
    """A server's Secret is mounted whole by the server alone."""
    if manifest["kind"] in ("Deployment", "StatefulSet"):
        return
    for volume in spec.get("volumes", []):
        secret = volume.get("secret", {})
        if secret.get("secretName", "").endswith(("proxy-tls", "sink-tls")) and "items" not in secret:
            yield f"has the private key of {secret['secretName']}"


def selectors(manifests):
    """Services, budgets, policies and scalers find pods of the installation, and ports that these have."""
    everything = pods(manifests)
    for service in of_kind(manifests, "Service"):
        found = [spec for _, metadata, spec in everything if matches(service["spec"]["selector"], metadata["labels"])]
        if len(found) != 1:
            yield f"Service {service['metadata']['name']} finds {len(found)} kinds of pods"
        for spec in found:
            for port in service["spec"]["ports"]:
                container_port(spec["containers"][0], port["targetPort"])
    for manifest in of_kind(manifests, "PodDisruptionBudget", "NetworkPolicy"):
        selector = manifest["spec"].get("selector") or manifest["spec"].get("podSelector")
        if not any(matches(selector["matchLabels"], metadata["labels"]) for _, metadata, _ in everything):
            yield f"{manifest['kind']} {manifest['metadata']['name']} finds no pods"
    for manifest, metadata, spec in everything:
        for spread in spec.get("topologySpreadConstraints", []):
            if not matches(spread["labelSelector"]["matchLabels"], metadata["labels"]):
                yield f"{manifest['metadata']['name']} does not spread its own pods"
        # Rights in the cloud come by the account; one that nobody makes is the namespace's default one in disguise.
        if manifest["kind"] in ("Deployment", "StatefulSet"):
            named(manifests, "ServiceAccount", spec["serviceAccountName"])
    for scaler in of_kind(manifests, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if "replicas" in named(manifests, target["kind"], target["name"])["spec"]:
            yield "an upgrade would undo what the autoscaler chose"
    for manifest in of_kind(manifests, "Deployment", "StatefulSet"):
        metadata, _ = pod_of(manifest)
        if not matches(manifest["spec"]["selector"]["matchLabels"], metadata["labels"]):
            yield f"{manifest['metadata']['name']} does not select its own pods"


def of_pod(manifests, manifest, spec, config):
    yield from restricted(spec)
    yield from beyond_restricted(spec)
    yield from images(spec)
    yield from limits(spec)
    yield from probes(manifest, spec)
    yield from secrets(spec)
    yield from volumes(manifests, spec)
    yield from private_keys(manifest, spec)
    yield from time_to_end(manifest, spec, config)
