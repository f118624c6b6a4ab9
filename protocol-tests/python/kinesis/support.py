"""The running parts, and clients of them as users make them."""

import os
from dataclasses import dataclass

import boto3
from botocore.config import Config

#: Seconds until something that must happen has happened, on a machine that is busy with other tests.
LIMIT = 60


@dataclass
class Parts:
    """Where the parts are, from `SLUICEWAY_*` variables (set by `cargo xtask verify`)."""

    #: A proxy that looks at no signature, with the stage `test`.
    proxy: str
    #: One that does, and lets nobody in without.
    guarded: str
    bootstrap: str
    #: What the names of this run end with.
    run: str
    #: id and secret of a key that may do everything, and of one that may only write to streams that begin with `open-`.
    keys: str

    @classmethod
    def from_environment(cls):
        return cls(**{name: os.environ[f"SLUICEWAY_{name.upper()}"] for name in cls.__dataclass_fields__})

    def key(self, number):
        """Id and secret of a key."""
        return self.keys.split(",")[number].split(":")


def client(endpoint, key="AKIAIOSFODNN7EXAMPLE", secret="a-secret-of-no-consequence", **config):
    """A Kinesis client with nothing but the endpoint changed."""
    return boto3.client("kinesis", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=key,
                        aws_secret_access_key=secret, config=Config(**config))
