"""The worked pipeline by real clients: requests in front, confluent-kafka in the middle, boto3 behind."""
