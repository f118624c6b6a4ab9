"""What a Kafka broker must do for Sluiceway, driven by the Python client confluent-kafka."""
