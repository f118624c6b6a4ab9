"""Consumer groups: assignment, rebalances, members that leave or die, commits and their metadata."""

import subprocess
import sys
import time

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, TopicPartition

from .support import LIMIT, BrokerCase, bootstrap, unique

#: A member in a process of its own, so that it can be killed: joins, says what it got, polls for ever.
MEMBER = """
import sys
from confluent_kafka import Consumer
bootstrap, group, topic = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                     "session.timeout.ms": 6000, "heartbeat.interval.ms": 500})
consumer.subscribe([topic], on_assign=lambda _, parts: print(len(parts), flush=True))
while True:
    consumer.poll(0.2)
"""


class Groups(BrokerCase):
    """Members share the partitions of a topic."""

    def settled(self, members, expected):
        """Polls the members until they own these numbers of partitions, in any order; what each owns."""
        def owned():
            for member in members:
                member.poll(0.05)
            return sorted(len(member.assignment()) for member in members)
        self.wait_for(lambda: owned() == sorted(expected), f"an assignment of {expected}", 2 * LIMIT)
        return [{p.partition for p in member.assignment()} for member in members]

    def check_joining_and_leaving(self, strategy):
        topic, group = self.topic(partitions=4), unique("group")
        settings = {"partition.assignment.strategy": strategy}
        first, second = (self.consumer(group, **settings) for _ in range(2))
        first.subscribe([topic])
        self.assertEqual(self.settled([first], [4]), [{0, 1, 2, 3}])
        second.subscribe([topic])
        mine, yours = self.settled([first, second], [2, 2])
        self.assertEqual(mine | yours, {0, 1, 2, 3})
        second.unsubscribe()
        self.settled([first], [4])

    def test_range(self):
        self.check_joining_and_leaving("range")

    def test_roundrobin(self):
        self.check_joining_and_leaving("roundrobin")

    def test_cooperative_sticky(self):
        self.check_joining_and_leaving("cooperative-sticky")

    def test_members_without_a_partition(self):
        topic, group = self.topic(partitions=1), unique("group")
        members = [self.consumer(group) for _ in range(3)]
        for member in members:
            member.subscribe([topic])
        self.settled(members, [0, 0, 1])

    def test_members_without_a_common_strategy(self):
        topic, group = self.topic(), unique("group")
        first = self.consumer(group, **{"partition.assignment.strategy": "range"})
        first.subscribe([topic])
        self.settled([first], [1])
        other = self.consumer(group, **{"partition.assignment.strategy": "roundrobin"})
        other.subscribe([topic])
        codes, deadline = set(), time.monotonic() + LIMIT
        while not codes and time.monotonic() < deadline:
            message = other.poll(0.2)
            codes |= {message.error().code()} if message is not None and message.error() else set()
        self.assertEqual(codes, {KafkaError.INCONSISTENT_GROUP_PROTOCOL})

    def test_a_pattern_finds_new_topics(self):
        prefix = unique("pattern")
        settings = {"topic.metadata.refresh.interval.ms": 500}
        first, consumer = self.topic(prefix=prefix), self.consumer(**settings)
        consumer.subscribe([f"^{prefix}-.*"])
        self.settled([consumer], [1])
        second = self.topic(prefix=prefix, partitions=2)
        self.settled([consumer], [3])
        self.assertEqual({p.topic for p in consumer.assignment()}, {first, second})

    def test_a_killed_members_partitions_move_on(self):
        topic, group = self.topic(partitions=2), unique("group")
        arguments = [sys.executable, "-c", MEMBER, bootstrap(), group, topic]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as member:
            try:
                self.assertEqual(member.stdout.readline().strip(), "2")
            finally:
                member.kill()
        heir = self.consumer(group)
        heir.subscribe([topic])
        started = time.monotonic()
        self.settled([heir], [2])
        self.assertLess(time.monotonic() - started, 20, "the session lasts 6 s")

    def test_a_static_member_comes_back_without_a_rebalance(self):
        topic, group = self.topic(partitions=2), unique("group")
        stays, goes = (self.consumer(group, **{"group.instance.id": name, "session.timeout.ms": 20_000})
                       for name in ("stays", "goes"))
        assignments = []
        stays.subscribe([topic], on_assign=lambda _, parts: assignments.append(parts))
        goes.subscribe([topic])
        self.settled([stays, goes], [1, 1])
        before, rebalances = goes.assignment(), len(assignments)
        goes.close()
        again = self.consumer(group, **{"group.instance.id": "goes", "session.timeout.ms": 20_000})
        again.subscribe([topic])
        self.settled([stays, again], [1, 1])
        self.assertEqual(again.assignment(), before)
        self.assertEqual(len(assignments), rebalances)

    def test_every_record_once_over_rebalances(self):
        topic, group, count = self.topic(partitions=4), unique("group"), 2_000
        self.write(topic, [{"value": str(n).encode(), "partition": n % 4} for n in range(count)])
        seen = []
        def commit(consumer, parts):
            positions = [p for p in consumer.position(parts) if p.offset >= 0]
            if positions:
                consumer.commit(offsets=positions, asynchronous=False)
        members = []
        for size in (1, 2, 3):
            members.append(self.consumer(group))
            members[-1].subscribe([topic], on_revoke=commit)
            deadline, goal = time.monotonic() + LIMIT, count if size == 3 else len(seen) + 400
            while len(seen) < goal and time.monotonic() < deadline:
                for member in members:
                    # Not more than a handful each time, so that the rebalances fall into the stream.
                    seen.extend(int(m.value()) for m in member.consume(20, 0.05))
        self.assertEqual(sorted(seen), list(range(count)))


class Commits(BrokerCase):
    """Committed offsets: what is written is what comes back, and who may write."""

    def test_offset_and_metadata_come_back(self):
        topic, group = self.topic(partitions=3), unique("group")
        plan = '{"boundary":250,"text":"ü ✓"}'
        writer = self.consumer(group)
        writer.commit(offsets=[TopicPartition(topic, 0, 17, plan), TopicPartition(topic, 1, 0)], asynchronous=False)
        asked = [TopicPartition(topic, partition) for partition in range(3)]
        found = self.consumer(group).committed(asked, timeout=LIMIT)
        self.assertEqual([p.offset for p in found], [17, 0, -1001])
        self.assertEqual(found[0].metadata, plan)
        self.assertIn(found[1].metadata, (None, ""))

    def test_a_later_commit_replaces_offset_and_metadata(self):
        topic, consumer = self.topic(), self.consumer()
        for offset, metadata in ((5, "first"), (5, "second"), (3, "")):
            consumer.commit(offsets=[TopicPartition(topic, 0, offset, metadata)], asynchronous=False)
        found = consumer.committed([TopicPartition(topic, 0)], timeout=LIMIT)[0]
        self.assertEqual((found.offset, found.metadata or ""), (3, ""))

    def test_metadata_above_the_limit(self):
        topic, consumer = self.topic(), self.consumer()
        consumer.commit(offsets=[TopicPartition(topic, 0, 1, "m" * 4000)], asynchronous=False)
        self.assert_fails(KafkaError.OFFSET_METADATA_TOO_LARGE, lambda: consumer.commit(
            offsets=[TopicPartition(topic, 0, 2, "m" * 4200)], asynchronous=False))
        self.assertEqual(consumer.committed([TopicPartition(topic, 0)], timeout=LIMIT)[0].offset, 1)

    def test_an_outsider_cannot_commit_for_an_active_group(self):
        topic, group = self.topic(), unique("group")
        member = self.consumer(group)
        member.subscribe([topic])
        self.wait_for(lambda: member.poll(0.05) or member.assignment(), "an assignment")
        outsider = self.consumer(group)
        self.assert_fails(KafkaError.UNKNOWN_MEMBER_ID, lambda: outsider.commit(
            offsets=[TopicPartition(topic, 0, 1)], asynchronous=False))

    def test_a_new_member_goes_on_where_the_old_one_committed(self):
        topic, group = self.topic(), unique("group")
        self.write(topic, [{"value": str(n).encode()} for n in range(10)])
        first = self.consumer(group)
        first.subscribe([topic])
        message = self.read(first, 4)[-1]
        first.commit(message=message, asynchronous=False)
        first.close()
        second = self.consumer(group)
        second.subscribe([topic])
        self.assertEqual([int(m.value()) for m in self.read(second, 6)], list(range(4, 10)))

    def test_groups_by_the_admin_client(self):
        topic, group = self.topic(partitions=2), unique("group")
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 4), TopicPartition(topic, 1, 6)])
        self.admin.alter_consumer_group_offsets([wanted])[group].result(LIMIT)
        asked = ConsumerGroupTopicPartitions(group)
        found = self.admin.list_consumer_group_offsets([asked])[group].result(LIMIT)
        self.assertEqual({(p.partition, p.offset) for p in found.topic_partitions}, {(0, 4), (1, 6)})
