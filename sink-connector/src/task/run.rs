//! The loop of a task's thread: orders → uploads that finished → commits → the clock → records.
//!
//! | module | what it is |
//! |---|---|
//! | [`consumer`] | the task's consumer |
//! | [`leave`] | how it leaves its group |
//! | [`panics`] | a thread that panics |

mod consumer;
mod leave;
mod panics;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use prometheus::IntCounter;
use rdkafka::Offset;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};

use super::{Order, TaskContext, TaskEvent};
use crate::assignment::{Assignment, Failure, Fetching, Taken};
use crate::commit::Committer;
use crate::consume::{MessageHeaders, Subscription, TaskConsumer};
use crate::dead_letters::DeadLetters;
use crate::error::{Exception, unrecoverable};
use crate::events;
use crate::gap::GapFinder;
use crate::pipeline::Pipeline;
use crate::record::RawRecord;
use crate::status::TaskState;
use crate::topic_partition::Tools;
use crate::upload::{Uploader, check_bucket, connect};

/// Records taken between two looks at orders, uploads and commits.
const BATCH_RECORDS: usize = 2_000;
/// Time after which a batch ends although more records are there.
const BATCH_TIME: Duration = Duration::from_millis(50);
/// How long to wait for a record when nothing is under way, and when uploads or commits are.
const IDLE_WAIT: Duration = Duration::from_millis(100);
const BUSY_WAIT: Duration = Duration::from_millis(2);
/// How long a failing task may finish what is planned.
const FAILURE_DRAIN: Duration = Duration::from_secs(5);
/// How often offsets move over skipped records alone.
const SKIPPED_INTERVAL: Duration = Duration::from_secs(60);
/// How long an ending task waits for the uploads of its open files to be aborted.
const ABORT_WAIT: Duration = Duration::from_secs(2);
/// How long a question for the end of a log may take.
const WATERMARKS_WAIT: Duration = Duration::from_secs(5);
/// How long a rewind may take.
const SEEK_WAIT: Duration = Duration::from_secs(10);

/// Runs a task until it is stopped or fails.
pub(super) fn run(context: &TaskContext, orders: Receiver<Order>) {
    let (connector, task) = (context.connector.name.clone(), context.task_id.to_string());
    let result = panics::caught(|| match Task::start(context, &orders)? {
        Some(mut task) => task.run(&orders),
        None => Ok(()),
    });
    let state = match result {
        Ok(()) => TaskState::Stopped,
        Err(failure) => {
            let trace = match &failure {
                Failure::Record(error) => error.task_trace(),
                Failure::Exception(exception) => exception.stacktrace(),
            };
            events::task_failed(&context.metrics, &connector, &task, &trace);
            TaskState::Failed { trace }
        }
    };
    (context.on_event)(TaskEvent::State(state));
}

struct Task<'a> {
    context: &'a TaskContext,
    consumer: Arc<TaskConsumer>,
    assignment: Arc<Mutex<Assignment>>,
    committer: Arc<Committer>,
    subscription: Subscription,
    gaps: GapFinder,
    tools: Arc<Tools>,
    records: IntCounter,
    record_bytes: IntCounter,
    active_topics: HashSet<String>,
    /// The topic of the last record, which is one of them.
    last_topic: String,
    /// The connector is paused.
    paused: bool,
    /// Memory or uploads want no more records.
    held_back: bool,
    next_settle: Instant,
    stop_by: Option<Instant>,
}

impl<'a> Task<'a> {
    /// Checks the bucket and builds the parts. `None` when the task was stopped meanwhile.
    fn start(context: &'a TaskContext, orders: &Receiver<Order>) -> Result<Option<Self>, Failure> {
        let fail = |exception: Exception| Failure::Exception(exception);
        let config = Arc::clone(&context.connector);
        let client = context.runtime.block_on(connect(&config.s3));
        context
            .runtime
            .block_on(check_bucket(&client, &config))
            .map_err(fail)?;
        let objects = &config.s3.objects;
        objects
            .check(config.s3.endpoint.as_deref())
            .map_err(|error| fail(unrecoverable(error)))?;
        let pipeline = {
            // Converters take the runtime from here.
            let _entered = context.runtime.enter();
            Pipeline::new(&config).map_err(fail)?
        };
        let dead_letters =
            DeadLetters::open(&config, &context.worker, context.task_id, &context.runtime)
                .map_err(fail)?;
        let (upload_events, uploads) = channel();
        let metrics = Arc::clone(&context.metrics);
        let uploader = Uploader::new(
            client,
            &config,
            context.runtime.clone(),
            Arc::clone(&metrics),
            upload_events,
        );
        let tools = Arc::new(Tools {
            config: Arc::clone(&config),
            stored: pipeline.stored().clone(),
            budget: Arc::clone(&context.budget),
            metrics: Arc::clone(&metrics),
            uploader,
            dead_letters,
            traces: context.traces.clone(),
        });
        let assignment = Arc::new(Mutex::new(Assignment::new(
            Arc::clone(&tools),
            pipeline,
            uploads,
        )));
        let task_label = context.task_id.to_string();
        let committer = Arc::new(Committer::new(&config.name, &task_label));
        let settings = consumer::settings(context).map_err(fail)?;
        let gaps = GapFinder::new(settings.clone());
        let consumer =
            consumer::create(context, &settings, &assignment, &committer, &tools).map_err(fail)?;
        let labels = [config.name.as_str(), task_label.as_str()];
        let mut task = Self {
            records: metrics.records.with_label_values(&labels),
            record_bytes: metrics.record_bytes.with_label_values(&labels),
            subscription: Subscription::new(&config, &settings),
            gaps,
            context,
            consumer,
            assignment,
            committer,
            tools,
            active_topics: HashSet::new(),
            last_topic: String::new(),
            paused: context.paused,
            held_back: false,
            next_settle: Instant::now() + SKIPPED_INTERVAL,
            stop_by: None,
        };
        if !task.obey(orders) {
            return Ok(None);
        }
        let total = i64::try_from(context.budget.total()).unwrap_or(i64::MAX);
        metrics.budget_total.set(total);
        task.report_state();
        Ok(Some(task))
    }

    fn run(&mut self, orders: &Receiver<Order>) -> Result<(), Failure> {
        let result = self.turn_until_stopped(orders);
        // What is planned is finished in any case: a good record is not lost to a bad one that follows it.
        let by = self
            .stop_by
            .unwrap_or_else(|| Instant::now() + FAILURE_DRAIN);
        let drained = self.drain(by);
        if let Some(letters) = &self.tools.dead_letters {
            // Also the one that the task fails with.
            letters.settled(by.saturating_duration_since(Instant::now()));
        }
        leave::leave(
            &self.consumer,
            &self.subscription,
            &self.committer.connector,
        );
        self.tools.uploader.settled(ABORT_WAIT);
        result.and(drained)
    }

    fn turn_until_stopped(&mut self, orders: &Receiver<Order>) -> Result<(), Failure> {
        while self.obey(orders) {
            self.subscription
                .keep_up(&self.consumer, &self.context.runtime)
                .map_err(kafka_failure)?;
            self.look_after_uploads(Duration::ZERO)?;
            self.look_for_gaps()?;
            self.hold_back_or_go_on()?;
            self.take_records()?;
        }
        Ok(())
    }

    /// Carries out orders that came in. False when the task is to stop.
    fn obey(&mut self, orders: &Receiver<Order>) -> bool {
        loop {
            match orders.try_recv() {
                Ok(Order::Pause) => self.set_paused(true),
                Ok(Order::Resume) => self.set_paused(false),
                Ok(Order::Stop(deadline)) => {
                    self.stop_by = Some(deadline);
                    return false;
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn set_paused(&mut self, paused: bool) {
        if std::mem::replace(&mut self.paused, paused) != paused {
            self.report_state();
        }
    }

    fn report_state(&self) {
        let state = if self.paused {
            TaskState::Paused
        } else {
            TaskState::Running
        };
        (self.context.on_event)(TaskEvent::State(state));
    }

    /// Takes in finished uploads, closes what the clock and memory want closed, commits what is due.
    fn look_after_uploads(&mut self, wait: Duration) -> Result<(), Failure> {
        let rewinds = {
            let mut assignment = self.assignment.lock();
            if let Some(failure) = assignment.take_failure() {
                return Err(failure);
            }
            assignment.absorb_uploads(wait)?;
            assignment.on_clock(unix_millis())?;
            assignment.on_pressure()?;
            if Instant::now() >= self.next_settle {
                self.next_settle = Instant::now() + SKIPPED_INTERVAL;
                assignment.settle_skipped();
            }
            assignment.take_rewinds()
        };
        for (topic, partition, offset) in rewinds {
            self.consumer
                .seek(&topic, partition, Offset::Offset(offset), SEEK_WAIT)
                .map_err(kafka_failure)?;
        }
        self.committer
            .commit(&self.consumer, &self.assignment, &self.tools.metrics, false);
        let budget = &self.tools.budget;
        self.tools
            .metrics
            .budget_used
            .set(i64::try_from(budget.used()).unwrap_or(i64::MAX));
        Ok(())
    }

    /// Goes on where a recovered plan's boundary waits for a record that is no more.
    fn look_for_gaps(&mut self) -> Result<(), Failure> {
        if let Some(gap) = self.gaps.take() {
            self.assignment.lock().pass_gap(&gap)?;
        }
        if self.gaps.is_free()
            && let Some(gap) = self.assignment.lock().gap()
        {
            self.gaps.look(gap, &self.context.runtime);
        }
        Ok(())
    }

    /// Pauses or resumes partitions when what is wanted has changed, or the assignment has.
    fn hold_back_or_go_on(&mut self) -> Result<(), Failure> {
        let hold = self.assignment.lock().hold_back(self.held_back);
        if hold != self.held_back {
            self.held_back = hold;
            events::held_back(
                &self.tools.metrics,
                &self.committer.connector,
                &self.committer.task,
                hold,
            );
        }
        let changed = self
            .consumer
            .context()
            .changed
            .swap(false, Ordering::Relaxed);
        let Fetching { pause, resume } =
            self.assignment
                .lock()
                .fetching(self.paused, self.held_back, changed);
        if pause.count() > 0 {
            self.consumer.pause(&pause).map_err(kafka_failure)?;
        }
        if resume.count() > 0 {
            self.consumer.resume(&resume).map_err(kafka_failure)?;
        }
        Ok(())
    }

    /// Takes a batch of records; returns soon when none are there.
    fn take_records(&mut self) -> Result<(), Failure> {
        let busy = self.assignment.lock().unfinished();
        let mut wait = if busy { BUSY_WAIT } else { IDLE_WAIT };
        let consumer = Arc::clone(&self.consumer);
        let (mut records, mut bytes) = (0, 0);
        let until = Instant::now() + wait + BATCH_TIME;
        let mut result = Ok(());
        for count in 0..BATCH_RECORDS {
            // A look at the end of a log may take seconds; who is told to stop takes no other.
            if self.context.stopping.load(Ordering::Relaxed) {
                break;
            }
            let Some(polled) = consumer.poll(wait) else {
                break;
            };
            wait = Duration::ZERO;
            match polled {
                Ok(message) => {
                    if count % 64 == 0 {
                        self.assignment.lock().set_now(unix_millis());
                    }
                    records += 1;
                    bytes += message.payload_len() as u64 + message.key_len() as u64;
                    result = self.take(&message);
                }
                Err(error) => result = on_poll_error(&self.committer.connector, error),
            }
            if result.is_err() || (count % 64 == 63 && Instant::now() >= until) {
                break;
            }
        }
        self.records.inc_by(records);
        self.record_bytes.inc_by(bytes);
        result
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) -> Result<(), Failure> {
        let headers = MessageHeaders(message);
        let record = RawRecord {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message
                .timestamp()
                .to_millis()
                .filter(|millis| *millis != -1),
            key: message.key(),
            value: message.payload(),
            headers: Some(&headers),
        };
        let taken = self.assignment.lock().take(&record)?;
        let taken = match taken {
            Taken::Behind(completed) => self.take_behind(&record, completed)?,
            taken => taken,
        };
        if self.last_topic != record.topic && !matches!(taken, Taken::NotOurs) {
            record.topic.clone_into(&mut self.last_topic);
            if self.active_topics.insert(record.topic.to_owned()) {
                (self.context.on_event)(TaskEvent::ActiveTopic(record.topic.to_owned()));
            }
        }
        Ok(())
    }

    /// A record below the completed prefix. When the log ends before that prefix, it was cut or its topic made anew. Else the client
    /// library gives the record a second time: it pauses partitions during a rebalance and goes on from the last record that it
    /// knows to be taken, which may be one less than were.
    fn take_behind(&mut self, record: &RawRecord<'_>, completed: i64) -> Result<Taken, Failure> {
        let (topic, partition) = (record.topic, record.partition);
        let ends = self
            .consumer
            .fetch_watermarks(topic, partition, WATERMARKS_WAIT);
        match ends {
            Ok((_, end)) if end < completed => self.assignment.lock().take_afresh(record),
            Ok(_) => {
                self.assignment.lock().is_behind(record);
                Ok(Taken::Seen)
            }
            Err(error) => {
                tracing::warn!(topic, partition, %error, "the log's end is not known; its record is read once more");
                let again = Offset::Offset(record.offset);
                self.consumer
                    .seek(topic, partition, again, SEEK_WAIT)
                    .map_err(kafka_failure)?;
                Ok(Taken::NotOurs)
            }
        }
    }

    /// Finishes closings (plan, objects, offset) until none is left or time is up. Open files stay open and are
    /// dropped with the assignment.
    fn drain(&mut self, by: Instant) -> Result<(), Failure> {
        loop {
            self.committer
                .commit(&self.consumer, &self.assignment, &self.tools.metrics, false);
            let mut assignment = self.assignment.lock();
            if !assignment.unfinished() || Instant::now() >= by {
                drop(assignment);
                self.committer
                    .commit(&self.consumer, &self.assignment, &self.tools.metrics, true);
                return Ok(());
            }
            assignment.absorb_uploads(BUSY_WAIT)?;
        }
    }
}

/// What a poll may report besides records. The client recovers from most of it by itself.
fn on_poll_error(connector: &str, error: KafkaError) -> Result<(), Failure> {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed) => {
            Err(kafka_failure(error))
        }
        _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => Err(kafka_failure(error)),
        _ => {
            tracing::warn!(connector, %error, "Kafka consumer");
            Ok(())
        }
    }
}

fn kafka_failure(error: KafkaError) -> Failure {
    let cause = Exception::new("org.apache.kafka.common.KafkaException", error.to_string());
    Failure::Exception(unrecoverable(cause))
}

fn unix_millis() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
