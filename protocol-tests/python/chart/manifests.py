"""Looking things up in rendered manifests."""

POD_KINDS = {"Deployment", "StatefulSet", "Job", "Pod"}


def name_of(manifest):
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def of_kind(manifests, *kinds):
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def named(manifests, kind, name):
    found = [one for one in of_kind(manifests, kind) if one["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def pod_of(manifest):
    """The pod's metadata and spec in a manifest that makes pods."""
    if manifest["kind"] == "Pod":
        return manifest["metadata"], manifest["spec"]
    template = manifest["spec"]["template"]
    return template["metadata"], template["spec"]


def pods(manifests):
    return [(manifest, *pod_of(manifest)) for manifest in of_kind(manifests, *POD_KINDS)]


def matches(selector, labels):
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def container_port(container, wanted):
    """Number of a container's port that is given by name or number."""
    for port in container.get("ports", []):
        if wanted in (port["name"], port["containerPort"]):
            return port["containerPort"]
    raise AssertionError(f"container {container['name']} has no port {wanted}")


def properties(text):
    return dict(line.split("=", 1) for line in text.splitlines() if line)
