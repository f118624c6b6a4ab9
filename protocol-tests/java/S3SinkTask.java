package io.confluent.connect.s3;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** A task of the stand-in: drops records and commits nothing, so that whoever takes over reads from the begin. */
public class S3SinkTask extends SinkTask {
    @Override
    public String version() {
        return "0";
    }

    @Override
    public void start(Map<String, String> config) {
    }

    @Override
    public void put(Collection<SinkRecord> records) {
    }

    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {
        return new HashMap<>();
    }

    @Override
    public void stop() {
    }
}
