"""What leads where: requests from outside, Prometheus' scrapes and what network policies let through end at ports that pods have.
Each function yields what is wrong, in words."""

from .manifests import container_port, matches, name_of, named, of_kind, pods

OWN = "app.kubernetes.io/"


def leads(manifests):
    yield from backends(manifests)
    yield from monitors(manifests)
    yield from policies(manifests)
    for manifest in of_kind(manifests, "StatefulSet"):
        service = named(manifests, "Service", manifest["spec"]["serviceName"])
        if service["spec"].get("clusterIP") != "None" or not behind(manifests, service["spec"]["selector"]):
            yield f"{name_of(manifest)}: its pods have no names by {service['metadata']['name']}"


def behind(manifests, selector):
    """The pods that a selector finds, but for those of Jobs and tests, which serve nothing."""
    kinds = ("Deployment", "StatefulSet")
    return [spec for manifest, metadata, spec in pods(manifests) if manifest["kind"] in kinds and matches(selector, metadata["labels"])]


def has_port(spec, port):
    try:
        return bool(container_port(spec["containers"][0], port))
    except AssertionError:
        return False


def served(manifests, service, port):
    """The container port behind a Service's port, given by name or number, of the one kind of pods that it has."""
    for one in service["spec"]["ports"]:
        if port in (one.get("name"), one["port"]):
            found = behind(manifests, service["spec"]["selector"])
            return len(found) == 1 and has_port(found[0], one["targetPort"]) and one["targetPort"]
    return None


def backends(manifests):
    """Of each Ingress and HTTPRoute: a Service of this installation, at a port of it behind which clients are answered."""
    for manifest in of_kind(manifests, "Ingress"):
        for rule in manifest["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                port = service["port"].get("number") or service["port"].get("name")
                yield from backend(manifests, manifest, service["name"], port)
    for manifest in of_kind(manifests, "HTTPRoute"):
        for rule in manifest["spec"]["rules"]:
            for reference in rule["backendRefs"]:
                yield from backend(manifests, manifest, reference["name"], reference["port"])


def backend(manifests, manifest, name, port):
    found = [one for one in of_kind(manifests, "Service") if one["metadata"]["name"] == name]
    if not found or served(manifests, found[0], port) != "http":
        yield f"{name_of(manifest)}: clients are not answered at {name}:{port}"


def monitors(manifests):
    """Each component is scraped once, at its admin port."""
    scraped = []
    for manifest in of_kind(manifests, "ServiceMonitor", "PodMonitor"):
        selector = manifest["spec"]["selector"]["matchLabels"]
        if manifest["kind"] == "PodMonitor":
            endpoints = manifest["spec"]["podMetricsEndpoints"]
            targets = behind(manifests, selector)
            ports = [endpoint["port"] if has_port(spec, endpoint["port"]) else None for spec in targets for endpoint in endpoints]
        else:
            endpoints = manifest["spec"]["endpoints"]
            targets = [one for one in of_kind(manifests, "Service") if matches(selector, one["metadata"]["labels"])]
            ports = [served(manifests, service, endpoint["port"]) for service in targets for endpoint in endpoints]
        if ports != ["admin"]:
            yield f"{name_of(manifest)} finds {ports} instead of one admin port"
        if [endpoint["path"] for endpoint in endpoints] != ["/metrics"]:
            yield f"{name_of(manifest)} asks for something else than /metrics"
        scraped.append(selector.get("app.kubernetes.io/component"))
    components = {metadata["labels"]["app.kubernetes.io/component"] for manifest, metadata, _ in pods(manifests) if manifest["kind"] in ("Deployment", "StatefulSet")}
    if scraped and sorted(scraped) != sorted(components):
        yield f"scraped: {scraped}, running: {sorted(components)}"


def policies(manifests):
    """Each closes one kind of pods, names ports that these have, and lets in pods that exist where it means its own."""
    for manifest in of_kind(manifests, "NetworkPolicy"):
        spec = manifest["spec"]
        closed = behind(manifests, spec["podSelector"]["matchLabels"])
        if len(closed) != 1:
            yield f"{name_of(manifest)} closes {len(closed)} kinds of pods"
        let_in = set()
        for rule in spec.get("ingress", []):
            let_in.update(port["port"] for port in rule.get("ports", []))
            yield from strangers(manifests, manifest, rule.get("from", []))
        for rule in spec.get("egress", []):
            yield from strangers(manifests, manifest, rule.get("to", []))
        for pod in closed:
            for port in sorted(let_in):
                if not has_port(pod, port):
                    yield f"{name_of(manifest)} lets through to {port}, which no pod has"
            unreachable = {port["name"] for port in pod["containers"][0]["ports"]} - let_in
            if unreachable:
                yield f"{name_of(manifest)} lets nobody through to {sorted(unreachable)}"


def strangers(manifests, manifest, peers):
    everything = [metadata["labels"] for _, metadata, _ in pods(manifests)]
    for peer in peers:
        selector = peer.get("podSelector", {}).get("matchLabels", {})
        own = any(key.startswith(OWN) for key in selector)
        if own and not any(matches(selector, labels) for labels in everything):
            yield f"{name_of(manifest)} lets in {selector}, which no pod is"
