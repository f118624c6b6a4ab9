"""`count_objects.py ENDPOINT BUCKET TOPIC…`: how many lines the JSON objects of each topic have, one number a line.

Keys come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
"""

import sys

import boto3
from botocore.config import Config


def main():
    endpoint, bucket, *topics = sys.argv[1:]
    store = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                         config=Config(s3={"addressing_style": "path"}))
    for topic in topics:
        lines = 0
        for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"topics/{topic}/"):
            for entry in page.get("Contents", []):
                body = store.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                assert body.endswith(b"\n"), f"{entry['Key']} does not end with a line feed"
                lines += body.count(b"\n")
        print(lines)


if __name__ == "__main__":
    main()
