package io.confluent.connect.s3;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/**
 * Stands for the S3 sink in a genuine Kafka Connect worker of a test: has its name, takes any configuration, gives it to each
 * task, and drops records. What the worker writes into its topics is the worker's own.
 */
public class S3SinkConnector extends SinkConnector {
    private Map<String, String> config;

    @Override
    public String version() {
        return "0";
    }

    @Override
    public void start(Map<String, String> config) {
        this.config = config;
    }

    @Override
    public void stop() {
    }

    @Override
    public Class<? extends Task> taskClass() {
        return S3SinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int tasks) {
        List<Map<String, String>> configs = new ArrayList<>();
        for (int task = 0; task < tasks; task++) {
            configs.add(config);
        }
        return configs;
    }

    @Override
    public ConfigDef config() {
        return new ConfigDef();
    }
}
