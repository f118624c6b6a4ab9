//! Fields whose bytes are of another wire type than the schema says: unknown fields to Java, an error to the decoder here.
//!
//! In: a message's bytes and its type. Out: the same without such fields, also in messages inside it. What fails: bytes
//! that are no message at all.

use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// How deep messages may lie inside one another, as for the decoder.
const MAX_DEPTH: usize = 100;

/// The bytes of `of` without fields of other wire types; `None` when they are no message.
pub(super) fn fitting(bytes: &[u8], of: &MessageDescriptor) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    copy(bytes, of, MAX_DEPTH, &mut out)?;
    Some(out)
}

fn copy(mut bytes: &[u8], of: &MessageDescriptor, depth: usize, out: &mut Vec<u8>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    while !bytes.is_empty() {
        let start = bytes;
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        let payload = payload(&mut bytes, tag, wire_type, depth)?;
        let Some(field) = of.get_field(tag).filter(|field| fits(field, wire_type)) else {
            continue;
        };
        match field.kind() {
            Kind::Message(inner) if wire_type == WireType::LengthDelimited => {
                let mut kept = Vec::with_capacity(payload.len());
                copy(payload, &inner, depth, &mut kept)?;
                encode_key(tag, wire_type, out);
                encode_varint(kept.len() as u64, out);
                out.extend_from_slice(&kept);
            }
            _ => out.extend_from_slice(start.get(..start.len() - bytes.len())?),
        }
    }
    Some(())
}

/// Passes over a field's value, and returns what a length stands in front of.
fn payload<'b>(
    bytes: &mut &'b [u8],
    tag: u32,
    wire_type: WireType,
    depth: usize,
) -> Option<&'b [u8]> {
    let length = match wire_type {
        WireType::Varint => {
            decode_varint(bytes).ok()?;
            0
        }
        WireType::ThirtyTwoBit => 4,
        WireType::SixtyFourBit => 8,
        WireType::LengthDelimited => usize::try_from(decode_varint(bytes).ok()?).ok()?,
        WireType::StartGroup => {
            end_of_group(bytes, tag, depth)?;
            0
        }
        WireType::EndGroup => return None,
    };
    let (payload, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(payload)
}

fn end_of_group(bytes: &mut &[u8], group: u32, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    loop {
        let (tag, wire_type) = decode_key(bytes).ok()?;
        if wire_type == WireType::EndGroup {
            return (tag == group).then_some(());
        }
        payload(bytes, tag, wire_type, depth)?;
    }
}

fn fits(field: &FieldDescriptor, wire_type: WireType) -> bool {
    let own = match field.kind() {
        Kind::Fixed32 | Kind::Sfixed32 | Kind::Float => WireType::ThirtyTwoBit,
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => WireType::SixtyFourBit,
        Kind::Message(_) if field.is_group() => WireType::StartGroup,
        Kind::String | Kind::Bytes | Kind::Message(_) => WireType::LengthDelimited,
        _ => WireType::Varint,
    };
    let packable = !matches!(field.kind(), Kind::String | Kind::Bytes | Kind::Message(_));
    let packed = field.is_list() && packable && wire_type == WireType::LengthDelimited;
    wire_type == own || packed
}
