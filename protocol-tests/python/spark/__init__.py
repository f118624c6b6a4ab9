"""The sink's Avro and Parquet objects, read by Spark."""
