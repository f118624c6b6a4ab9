//! Slots, ids and bytes.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::admission::Admission;
use std::time::Duration;

#[tokio::test]
async fn the_last_result_wakes_the_request_and_frees_its_bytes() {
    let (deliveries, admission) = (Arc::new(Deliveries::default()), Admission::new(100));
    let mut permit = admission.empty();
    assert!(permit.resize(70));
    let registered = deliveries.register(3, permit);
    let tracker = Arc::clone(&registered.tracker);
    let opaques: Vec<usize> = (0..3).map(|index| registered.opaque(index)).collect();
    deliveries.refuse(&registered, 1, RDKafkaErrorCode::QueueFull);
    deliveries.handed_over(&registered);
    drop(registered);
    let background = Arc::clone(&deliveries);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        background.report(
            opaques[2],
            Delivery::Stored {
                partition: 1,
                offset: 9,
                appended: None,
            },
        );
        background.report(
            opaques[0],
            Delivery::Stored {
                partition: 0,
                offset: i64::MAX,
                appended: None,
            },
        );
    });
    tokio::time::timeout(Duration::from_secs(5), tracker.done())
        .await
        .unwrap();
    assert_eq!(
        tracker.get(0),
        Delivery::Stored {
            partition: 0,
            offset: i64::MAX,
            appended: None,
        }
    );
    assert_eq!(
        tracker.get(1),
        Delivery::Failed(RDKafkaErrorCode::QueueFull)
    );
    assert_eq!(
        tracker.get(2),
        Delivery::Stored {
            partition: 1,
            offset: 9,
            appended: None,
        }
    );
    assert_eq!(tracker.get(3), Delivery::Pending);
    drop(tracker);
    assert_eq!(admission.used(), 0);
}

#[tokio::test]
async fn a_report_before_the_hand_over_ends_does_not_reach_the_next_request() {
    let (deliveries, admission) = (Deliveries::default(), Admission::new(100));
    let mut permit = admission.empty();
    assert!(permit.resize(9));
    let first = deliveries.register(1, permit);
    deliveries.report(
        first.opaque(0),
        Delivery::Stored {
            partition: 0,
            offset: 1,
            appended: None,
        },
    );
    deliveries.handed_over(&first);
    assert_eq!(admission.used(), 0, "the cached tracker holds its bytes");
    let second = deliveries.register(1, admission.empty());
    assert_eq!(second.opaque(0), first.opaque(0));
    deliveries.handed_over(&second);
    deliveries.report(
        second.opaque(0),
        Delivery::Stored {
            partition: 0,
            offset: 2,
            appended: None,
        },
    );
    second.tracker.done().await;
    assert_eq!(
        second.tracker.get(0),
        Delivery::Stored {
            partition: 0,
            offset: 2,
            appended: None,
        }
    );
    assert_eq!(
        first.tracker.get(0),
        Delivery::Stored {
            partition: 0,
            offset: 1,
            appended: None,
        }
    );
}

#[tokio::test]
async fn ids_are_used_again_and_reports_interleave() {
    let (deliveries, admission) = (Deliveries::default(), Admission::new(100));
    for round in 0..3 {
        let requests: Vec<Registered> = (0..5)
            .map(|_| deliveries.register(2, admission.empty()))
            .collect();
        requests
            .iter()
            .for_each(|request| deliveries.handed_over(request));
        for index in 0..2 {
            for request in &requests {
                let delivery = Delivery::Stored {
                    partition: round,
                    offset: request.opaque(index) as i64,
                    appended: None,
                };
                deliveries.report(request.opaque(index), delivery);
            }
        }
        for request in &requests {
            request.tracker.done().await;
            let offset = request.opaque(1) as i64;
            assert_eq!(
                request.tracker.get(1),
                Delivery::Stored {
                    partition: round,
                    offset,
                    appended: None,
                }
            );
        }
    }
    assert_eq!(deliveries.requests(), 0);
    assert_eq!(deliveries.table.lock().trackers.len(), 5);
}

#[tokio::test]
async fn a_request_of_refused_records_is_done_at_once() {
    let (deliveries, admission) = (Deliveries::default(), Admission::new(100));
    let registered = deliveries.register(1, admission.empty());
    deliveries.refuse(&registered, 0, RDKafkaErrorCode::Fail);
    deliveries.handed_over(&registered);
    registered.tracker.done().await;
    assert_eq!(deliveries.requests(), 0);
}
