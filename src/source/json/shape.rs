//! What an answer is made of, read without keeping it: a tree of its values would take many times the
//! memory of its text.

use std::fmt;

use jaq_json::Val;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::Fault;
use crate::http::Answer;

/// How many elements an answer's own list has, or the longest list among the values of an object.
pub(super) fn items(answer: &Answer) -> Result<Option<usize>, Fault> {
    let shape: Shape = answer.whole_json()?;
    Ok(shape.list.or(shape.longest_value))
}

/// The first element of the first list of objects; the answer itself where there is none.
pub(super) fn first_object(answer: &Answer) -> Result<Val, Fault> {
    let whole: &RawValue = answer.whole_json()?;
    let nested = || {
        let Values(values) = serde_json::from_str(whole.get()).ok()?;
        values.into_iter().find_map(object_of)
    };
    match object_of(whole).or_else(nested) {
        // Read by itself as a part of the same text, so it is read.
        Some(object) => Ok(serde_json::from_str(object.get()).unwrap_or_default()),
        None => answer.whole_json(),
    }
}

/// The first object of a list.
fn object_of(list: &RawValue) -> Option<&RawValue> {
    let First(first) = serde_json::from_str(list.get()).ok()?;
    first
}

/// A value of any kind.
#[derive(Default)]
struct Shape {
    /// How many elements it has, if it is a list.
    list: Option<usize>,
    /// The elements of the longest list among its values, if it is an object that has one.
    longest_value: Option<usize>,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Shape, E> {
                Ok(Shape::default())
            }

            fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
                Ok(Shape::default())
            }

            fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
                Ok(Shape::default())
            }

            fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
                Ok(Shape::default())
            }

            fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
                Ok(Shape::default())
            }

            fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
                Ok(Shape::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
                let mut count = 0;
                while list.next_element::<Shape>()?.is_some() {
                    count += 1;
                }
                Ok(Shape {
                    list: Some(count),
                    longest_value: None,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
                let mut longest = None;
                while let Some((_, value)) = map.next_entry::<IgnoredAny, Shape>()? {
                    longest = longest.max(value.list);
                }
                Ok(Shape {
                    list: None,
                    longest_value: longest,
                })
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// The first object of a list.
struct First<'a>(Option<&'a RawValue>);

impl<'de> Deserialize<'de> for First<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = First<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<'de>, A::Error> {
                while let Some(element) = list.next_element::<&RawValue>()? {
                    if element.get().starts_with('{') {
                        while list.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(First(Some(element)));
                    }
                }
                Ok(First(None))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

/// The values of an object.
struct Values<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Values<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Values<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values<'de>, A::Error> {
                let mut values = Vec::new();
                while let Some((_, value)) = map.next_entry::<IgnoredAny, &RawValue>()? {
                    values.push(value);
                }
                Ok(Values(values))
            }
        }
        deserializer.deserialize_map(Read)
    }
}
