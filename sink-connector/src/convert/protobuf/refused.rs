//! What Java's Protobuf library says of bytes that are no message.
//!
//! In: the text of the decoder's error, or why the message indexes before the bytes cannot be read. Out: the exception
//! beneath the deserializer's.

use sluiceway_schemas::wire::WireError;

use crate::error::Exception;

const INVALID: &str = "com.google.protobuf.InvalidProtocolBufferException";
const INVALID_WIRE_TYPE: &str =
    "com.google.protobuf.InvalidProtocolBufferException$InvalidWireTypeException";

const CUT_SHORT: &str = "While parsing a protocol message, the input ended unexpectedly in the middle of a field.  This could mean \
    either that the input has been truncated or that an embedded message misreported its own length.";

const STRAY_END: &str = "Protocol message end-group tag did not match expected tag.";

const NO_WIRE_TYPE: &str = "Protocol message tag had invalid wire type.";

/// What the decoder's text says; class and message of Java's exception. A number without an end is nearly always one that
/// was cut.
const WORDS: [(&str, &str, &str); 10] = [
    ("buffer underflow", INVALID, CUT_SHORT),
    ("invalid varint", INVALID, CUT_SHORT),
    ("delimited length exceeded", INVALID, CUT_SHORT),
    (
        "invalid tag value: 0",
        INVALID,
        "Protocol message contained an invalid tag (zero).",
    ),
    ("unexpected end group tag", INVALID, STRAY_END),
    ("invalid wire type: EndGroup", INVALID, STRAY_END),
    (
        "invalid wire type value: 6",
        INVALID_WIRE_TYPE,
        NO_WIRE_TYPE,
    ),
    (
        "invalid wire type value: 7",
        INVALID_WIRE_TYPE,
        NO_WIRE_TYPE,
    ),
    (
        "data is not UTF-8 encoded",
        INVALID,
        "Protocol message had invalid UTF-8.",
    ),
    (
        "recursion limit reached",
        INVALID,
        "Protocol message had too many levels of nesting.  May be malicious.  Use setRecursionLimit() to increase the \
         recursion depth limit.",
    ),
];

/// The exception of bytes that the decoder refused with `text`.
pub(super) fn message(text: &str) -> Exception {
    match WORDS.iter().find(|(said, ..)| text.contains(said)) {
        Some((_, class, message)) => Exception::new(class, *message),
        None => Exception::new(INVALID, text),
    }
}

/// The exception of bytes before which no message indexes stand.
pub(super) fn indexes(error: WireError) -> Exception {
    match error {
        WireError::IndexesEnd => Exception::new("java.nio.BufferUnderflowException", ""),
        error => no_message(&error.to_string()),
    }
}

/// The exception of message indexes that lead nowhere.
pub(super) fn no_message(text: &str) -> Exception {
    Exception::new("java.lang.IllegalArgumentException", text)
}
