//! The extra fields of a header.

pub(crate) use crate::fields::Fields;

/// The extra field with `id` in a list of them (APPNOTE 4.5); a list that ends within one has no
/// more.
pub(crate) fn extra(list: &[u8], id: u16) -> Option<Fields<'_>> {
    let mut list = Fields(list);
    loop {
        let found = list.u16().ok()?;
        let length = list.u16().ok()?;
        let content = list.bytes(length.into()).ok()?;
        if found == id {
            return Some(Fields(content));
        }
    }
}
