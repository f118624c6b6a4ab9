"""The proxy by clients that nobody here wrote, and its data by the serializers that everybody has."""
