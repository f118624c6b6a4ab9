//! A task whose thread panics has failed, and says so: else it would be shown as running for ever.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::assignment::Failure;
use crate::error::{CONNECT_EXCEPTION, Exception, unrecoverable};

/// Does a task's work; a panic is a failure of it.
pub(super) fn caught(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    // What it worked on goes with it.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(failure(&*panic)))
}

fn failure(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = format!(
        "the task's thread panicked: {}",
        text.unwrap_or("it does not say why")
    );
    Failure::Exception(unrecoverable(Exception::new(CONNECT_EXCEPTION, message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_its_reason() {
        let five = 5;
        for failed in [
            caught(|| panic!("no such thing")),
            caught(|| panic!("no such thing as {five}")),
        ] {
            let Err(Failure::Exception(exception)) = failed else {
                panic!("it counts as a success");
            };
            let trace = exception.stacktrace();
            assert!(trace.contains("panicked: no such thing"), "{trace}");
        }
        assert!(caught(|| Ok(())).is_ok());
    }
}
