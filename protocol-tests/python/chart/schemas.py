"""Manifests against Kubernetes' own schemas, and custom resources against those of their definitions; unknown fields are errors."""

import functools

import jsonschema
import kubernetes_validate
import yaml

from .helm import Loader


class Definitions:
    def __init__(self, folder):
        self.schemas = {}
        for file in sorted(folder.glob("*.yaml")):
            for definition in yaml.load_all(file.read_text(), Loader=Loader):
                if not definition or definition["kind"] != "CustomResourceDefinition":
                    continue
                spec = definition["spec"]
                for version in spec["versions"]:
                    api = f"{spec['group']}/{version['name']}"
                    self.schemas[api, spec["names"]["kind"]] = closed(version["schema"]["openAPIV3Schema"])
        assert len(self.schemas) >= 4, f"only {list(self.schemas)} in {folder}"

    def check(self, manifest, version):
        schema = self.schemas.get((manifest["apiVersion"], manifest["kind"]))
        if schema:
            metadata = {"type": "object", "required": ["name"]}
            schema = {**schema, "properties": {**schema["properties"], "metadata": metadata}}
            jsonschema.Draft7Validator(schema).validate(manifest)
        else:
            builtin(manifest, version)


def builtin(manifest, version):
    kubernetes_validate.validate(manifest, nearest(version), strict=True)


@functools.cache
def nearest(version):
    """The minor version's schemas; patches do not change them."""
    return ".".join(version.split(".")[:2])


def closed(schema):
    """The same schema, in which an object has no properties that it does not name. (Structural schemas: no unions inside.)"""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(part) for key, part in schema.items() if key not in ("properties", "format")}
    if isinstance(schema.get("properties"), dict):
        result["properties"] = {name: closed(part) for name, part in schema["properties"].items()}
        if schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    return result
