"""Topics, configurations, groups and offsets by the admin client, with the errors of a real broker."""

from confluent_kafka import ConsumerGroupState, IsolationLevel, KafkaError, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from .support import LIMIT, BrokerCase, unique


class Topics(BrokerCase):
    """Creating, growing, describing and deleting."""

    def create(self, name, partitions=1, replication=1, **options):
        topic = NewTopic(name, partitions, replication, config=options.pop("config", {}))
        return self.admin.create_topics([topic], **options)[name].result(LIMIT)

    def test_create_list_delete(self):
        name = unique("topic")
        self.create(name, partitions=3)
        self.wait_for(lambda: name in self.admin.list_topics(timeout=LIMIT).topics, name)
        topic = self.admin.list_topics(name, timeout=LIMIT).topics[name]
        self.assertEqual(sorted(topic.partitions), [0, 1, 2])
        brokers = set(self.admin.list_topics(timeout=LIMIT).brokers)
        for partition in topic.partitions.values():
            self.assertIn(partition.leader, brokers)
            self.assertEqual(set(partition.isrs), {partition.leader})
        self.delete_topic(name)
        self.wait_for(lambda: name not in self.admin.list_topics(timeout=LIMIT).topics, f"the end of {name}")

    def test_a_name_that_exists(self):
        name = self.topic()
        self.assert_fails(KafkaError.TOPIC_ALREADY_EXISTS, lambda: self.create(name))

    def test_names_that_are_not_allowed(self):
        for name in ("a b", "a/b", "..", "x" * 250, "ümlaut"):
            with self.subTest(name):
                self.assert_fails(KafkaError.TOPIC_EXCEPTION, lambda name=name: self.create(name))

    def test_more_replicas_than_brokers(self):
        self.assert_fails(KafkaError.INVALID_REPLICATION_FACTOR, lambda: self.create(unique("topic"), replication=9))

    def test_the_brokers_defaults(self):
        name = unique("topic")
        self.create(name, partitions=-1, replication=-1)
        self.addCleanup(self.delete_topic, name)
        self.wait_for(lambda: len(self.partitions_with_leader(name)) >= 1, name)

    def test_validate_only_creates_nothing(self):
        name = unique("topic")
        self.create(name, validate_only=True)
        self.assertNotIn(name, self.admin.list_topics(timeout=LIMIT).topics)

    def test_deleting_what_is_not_there(self):
        self.assert_fails(KafkaError.UNKNOWN_TOPIC_OR_PART, lambda: self.delete_topic(unique("absent")))

    def test_a_topic_created_again_is_empty(self):
        name = unique("topic")
        for text in (b"old", b"new"):
            self.create(name)
            self.wait_for(lambda: len(self.partitions_with_leader(name)) == 1, name)
            self.write(name, [{"value": text}])
            self.assertEqual(self.read_partitions(name, [0], 1)[0].value(), text)
            self.delete_topic(name)
            self.wait_for(lambda: name not in self.admin.list_topics(timeout=LIMIT).topics, f"the end of {name}")

    def test_more_partitions(self):
        name = self.topic(partitions=1)
        self.write(name, [{"value": b"v"}])
        self.admin.create_partitions([NewPartitions(name, 3)])[name].result(LIMIT)
        self.wait_for(lambda: len(self.partitions_with_leader(name)) == 3, "3 partitions")
        self.write(name, [{"value": b"w", "partition": 2}])
        self.assertEqual([m.value() for m in self.read_partitions(name, [0, 2], 2)].count(b"w"), 1)

    def test_fewer_partitions(self):
        name = self.topic(partitions=2)
        for count in (1, 2):
            self.assert_fails(KafkaError.INVALID_PARTITIONS, lambda count=count: self.admin.create_partitions(
                [NewPartitions(name, count)])[name].result(LIMIT))

    def test_describe_topics_and_cluster(self):
        name = self.topic(partitions=2)
        found = self.admin.describe_topics(TopicCollection([name]))[name].result(LIMIT)
        self.assertEqual([p.id for p in found.partitions], [0, 1])
        cluster = self.admin.describe_cluster().result(LIMIT)
        self.assertTrue(cluster.cluster_id)
        self.assertIn(cluster.controller.id, {node.id for node in cluster.nodes})


class Configurations(BrokerCase):
    """Settings of topics and brokers."""

    def describe(self, kind, name):
        resource = ConfigResource(kind, name)
        return self.admin.describe_configs([resource])[resource].result(LIMIT)

    def change(self, name, *changes):
        entries = [ConfigEntry(key, value, incremental_operation=operation) for operation, key, value in changes]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        return self.admin.incremental_alter_configs([resource])[resource].result(LIMIT)

    def test_set_at_creation(self):
        name = self.topic(config={"retention.ms": "123456", "cleanup.policy": "compact"})
        found = self.describe(ResourceType.TOPIC, name)
        self.assertEqual((found["retention.ms"].value, found["cleanup.policy"].value), ("123456", "compact"))
        self.assertEqual(found["retention.ms"].source, ConfigSource.DYNAMIC_TOPIC_CONFIG.value)
        self.assertNotEqual(found["segment.bytes"].source, ConfigSource.DYNAMIC_TOPIC_CONFIG.value)
        self.assertFalse(found["retention.ms"].is_sensitive)

    def test_set_and_delete_later(self):
        name = self.topic()
        default = self.describe(ResourceType.TOPIC, name)["retention.ms"].value
        self.change(name, (AlterConfigOpType.SET, "retention.ms", "1000"))
        self.wait_for(lambda: self.describe(ResourceType.TOPIC, name)["retention.ms"].value == "1000", "the change")
        self.change(name, (AlterConfigOpType.DELETE, "retention.ms", None))
        self.wait_for(lambda: self.describe(ResourceType.TOPIC, name)["retention.ms"].value == default, "the default")

    def test_values_and_names_that_are_not_allowed(self):
        name = self.topic()
        for key, value in (("retention.ms", "soon"), ("no.such.setting", "1"), ("cleanup.policy", "shred")):
            with self.subTest(key):
                self.assert_fails(KafkaError.INVALID_CONFIG, lambda key=key, value=value: self.change(
                    name, (AlterConfigOpType.SET, key, value)))
        self.assert_fails(KafkaError.INVALID_CONFIG, lambda: self.topic(config={"retention.ms": "soon"}))

    def test_of_a_topic_that_is_not_there(self):
        self.assert_fails(KafkaError.UNKNOWN_TOPIC_OR_PART, lambda: self.describe(ResourceType.TOPIC, unique("absent")))

    def test_of_a_broker(self):
        broker = next(iter(self.admin.list_topics(timeout=LIMIT).brokers))
        found = self.describe(ResourceType.BROKER, str(broker))
        self.assertEqual(found["auto.create.topics.enable"].value, "true")
        self.assertGreater(int(found["offset.metadata.max.bytes"].value), 0)


class GroupAdministration(BrokerCase):
    """Looking at groups and removing them."""

    def with_member(self, group, topic):
        member = self.consumer(group, **{"client.id": "the-member"})
        member.subscribe([topic])
        self.wait_for(lambda: member.poll(0.05) or member.assignment(), "an assignment")
        return member

    def listed(self, **options):
        return {group.group_id: group for group in self.admin.list_consumer_groups(**options).result(LIMIT).valid}

    def test_list_describe_delete(self):
        topic, group = self.topic(partitions=2), unique("group")
        member = self.with_member(group, topic)
        self.wait_for(lambda: self.listed()[group].state == ConsumerGroupState.STABLE, "a stable group")
        self.assertIn(group, self.listed(states={ConsumerGroupState.STABLE}))
        self.assertNotIn(group, self.listed(states={ConsumerGroupState.EMPTY}))
        found = self.admin.describe_consumer_groups([group])[group].result(LIMIT)
        self.assertEqual((found.state, found.partition_assignor, len(found.members)),
                         (ConsumerGroupState.STABLE, "range", 1))
        self.assertEqual(found.members[0].client_id, "the-member")
        self.assertEqual({p.partition for p in found.members[0].assignment.topic_partitions}, {0, 1})
        self.assert_fails(KafkaError.NON_EMPTY_GROUP, lambda: self.delete(group))
        member.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
        member.close()
        self.wait_for(lambda: self.listed()[group].state == ConsumerGroupState.EMPTY, "an empty group")
        self.delete(group)
        self.assertNotIn(group, self.listed())

    def test_a_deleted_groups_offsets_are_gone(self):
        topic, group = self.topic(), unique("group")
        self.consumer(group).commit(offsets=[TopicPartition(topic, 0, 5)], asynchronous=False)
        self.delete(group)
        self.assertEqual(self.consumer(group).committed([TopicPartition(topic, 0)], timeout=LIMIT)[0].offset, -1001)

    def test_groups_that_are_not_there(self):
        group = unique("absent")
        self.assert_fails(KafkaError.GROUP_ID_NOT_FOUND, lambda: self.delete(group))
        found = self.admin.describe_consumer_groups([group])[group].result(LIMIT)
        self.assertEqual((found.state, found.members), (ConsumerGroupState.DEAD, []))

    def delete(self, group):
        return self.admin.delete_consumer_groups([group])[group].result(LIMIT)


class Offsets(BrokerCase):
    """Offsets of partitions, and records deleted before one."""

    OLD = 1_577_836_800_000

    def offset(self, topic, spec):
        asked = TopicPartition(topic, 0)
        answer = self.admin.list_offsets({asked: spec}, isolation_level=IsolationLevel.READ_UNCOMMITTED)
        return answer[asked].result(LIMIT)

    def test_list_offsets(self):
        topic = self.topic()
        self.write(topic, [{"value": b"v", "timestamp": self.OLD + 10 * n} for n in range(5)])
        self.assertEqual(self.offset(topic, OffsetSpec.earliest()).offset, 0)
        self.assertEqual(self.offset(topic, OffsetSpec.latest()).offset, 5)
        found = self.offset(topic, OffsetSpec.for_timestamp(self.OLD + 15))
        self.assertEqual((found.offset, found.timestamp), (2, self.OLD + 20))
        self.assertEqual(self.offset(topic, OffsetSpec.for_timestamp(self.OLD + 99)).offset, -1)

    def test_delete_records(self):
        topic = self.topic()
        self.write(topic, [{"value": str(n).encode()} for n in range(10)], **{"linger.ms": 0})
        asked = TopicPartition(topic, 0, 6)
        self.assertEqual(self.admin.delete_records([asked])[asked].result(LIMIT).low_watermark, 6)
        self.assertEqual(self.offset(topic, OffsetSpec.earliest()).offset, 6)
        self.assertEqual([int(m.value()) for m in self.read_partitions(topic, [0], 4)], [6, 7, 8, 9])
        beyond = TopicPartition(topic, 0, 11)
        self.assert_fails(KafkaError.OFFSET_OUT_OF_RANGE,
                          lambda: self.admin.delete_records([beyond])[beyond].result(LIMIT))
