//! An error and what caused it, in one line for whoever started the program.

use std::error::Error;

/// `error: cause: cause of the cause`. Left out is a cause that the text before it tells already: many errors end with
/// theirs.
pub fn line(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.ends_with(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::props::PropsError;

    #[derive(Debug, thiserror::Error)]
    #[error("it does not start")]
    struct Outer(#[source] PropsError);

    #[test]
    fn each_cause_is_told_once() {
        let source = io::Error::other("no such file");
        let path = "a.properties".into();
        let error = Outer(PropsError::Read { path, source });
        assert_eq!(
            line(&error),
            "it does not start: cannot read the properties file a.properties: no such file"
        );
    }
}
