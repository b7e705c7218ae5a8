//! Where the layout in an object and the layout in this program first differ.

use crate::stored::{Shape, StoredField, StoredSchema, StoredVariant};
use core::fmt;

/// The first place where an object's layout differs from this program's.
///
/// `Display` names the place and both sides:
///
/// ```text
/// field `rpm`: f32 at offset 8 in the object, f64 at offset 8 in this program
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    type_name: String,
    field: String,
    object: String,
    program: String,
    advice: &'static str,
}

/// What to do about most differences.
const ADVICE: &str = "rebuild both programs with the same definition, or use another name";

impl Difference {
    /// Compares what an object stores with what this program expects.
    pub fn between(object: &StoredSchema, program: &StoredSchema) -> Option<Self> {
        if object == program {
            return None;
        }
        let place = Place {
            path: String::new(),
            object_offset: 0,
            program_offset: 0,
        };
        let found = types(place, object, program).unwrap_or_else(|| Found {
            field: String::new(),
            object: "another layout".to_owned(),
            program: "this one".to_owned(),
        });
        Some(Difference {
            type_name: program.type_text(),
            field: found.field,
            object: found.object,
            program: found.program,
            advice: ADVICE,
        })
    }

    /// Two that differ as a whole.
    pub(crate) fn of_wholes(type_name: String, object: String, program: String) -> Self {
        Difference {
            type_name,
            field: String::new(),
            object,
            program,
            advice: ADVICE,
        }
    }

    /// A difference that was found otherwise, and what to do about it.
    pub(crate) fn found(
        program: &StoredSchema,
        field: &str,
        sides: [String; 2],
        advice: &'static str,
    ) -> Self {
        let [object, of_program] = sides;
        Difference {
            type_name: program.type_text(),
            field: field.to_owned(),
            object,
            program: of_program,
            advice,
        }
    }

    /// Where one field differs, which has the same name on both sides.
    pub(crate) fn within(
        program: &StoredSchema,
        [object_field, program_field]: [&StoredField; 2],
        advice: &'static str,
    ) -> Self {
        let place = Place {
            path: program_field.name.clone(),
            object_offset: object_field.offset,
            program_offset: program_field.offset,
        };
        let found = types(place, &object_field.schema, &program_field.schema);
        let [field, sides @ ..] = match found {
            Some(found) => [found.field, found.object, found.program],
            None => [
                program_field.name.clone(),
                object_field.at(),
                program_field.at(),
            ],
        };
        Difference::found(program, &field, sides, advice)
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> &str {
        self.advice
    }

    /// The type that this program asks for.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The path of the field, such as `levels[0].qty`; empty for the value as a whole.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What the object has there: type and offset in bytes from the start of the value, or `absent`.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// What this program has there, in the same words.
    pub fn program(&self) -> &str {
        &self.program
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str("the value")?,
            field => write!(f, "field `{field}`")?,
        }
        let Difference {
            object, program, ..
        } = self;
        write!(f, ": {object} in the object, {program} in this program")
    }
}

impl StoredField {
    /// `f32 at offset 8`.
    pub(crate) fn at(&self) -> String {
        format!("{} at offset {}", self.schema.type_text(), self.offset)
    }
}

struct Found {
    field: String,
    object: String,
    program: String,
}

/// A field on both sides, by its path from the value's start.
struct Place {
    path: String,
    object_offset: usize,
    program_offset: usize,
}

impl Place {
    fn found(self, object: String, program: String) -> Option<Found> {
        Some(Found {
            field: self.path,
            object,
            program,
        })
    }

    fn join(&self, step: &str, object_offset: usize, program_offset: usize) -> Place {
        let path = match self.path.as_str() {
            "" => step.trim_start_matches('.').to_owned(),
            path => format!("{path}{step}"),
        };
        Place {
            path,
            // What a list of no items consists of may be larger than everything around it.
            object_offset: self.object_offset.saturating_add(object_offset),
            program_offset: self.program_offset.saturating_add(program_offset),
        }
    }
}

fn types(place: Place, object: &StoredSchema, program: &StoredSchema) -> Option<Found> {
    if place.object_offset != place.program_offset || !alike(object, program) {
        return retyped(place, object, program);
    }
    let inside = match (&object.shape, &program.shape) {
        (Shape::Struct(object), Shape::Struct(program)) => fields(&place, object, program),
        (Shape::Enum { variants: o, .. }, Shape::Enum { variants: p, .. }) => {
            variants(&place, o, p)
        }
        (Shape::Option { item: o }, Shape::Option { item: p }) => {
            types(place.join(".value", 8, 8), o, p)
        }
        (Shape::Vec { item: o, .. }, Shape::Vec { item: p, .. }) => {
            types(place.join("[0]", 8, 8), o, p)
        }
        (Shape::Array { item: o, .. }, Shape::Array { item: p, .. }) => {
            types(place.join("[0]", 0, 0), o, p)
        }
        _ => None,
    };
    if inside.is_none() && object.size != program.size {
        return retyped(place, object, program);
    }
    inside
}

/// Whether the two are the same as far as one line says, so that a difference must be further inside.
pub(crate) fn alike(object: &StoredSchema, program: &StoredSchema) -> bool {
    let (o, p) = (object, program);
    let items = match (o.item(), p.item()) {
        (Some(o), Some(p)) => alike(o, p),
        _ => true,
    };
    let plain = matches!(o.shape, Shape::Plain(_)) && o.size != p.size;
    (o.kind(), o.version, o.len(), o.repr()) == (p.kind(), p.version, p.len(), p.repr())
        && o.type_name == p.type_name
        && !plain
        && items
}

fn retyped(place: Place, object: &StoredSchema, program: &StoredSchema) -> Option<Found> {
    let mut sides = [object.type_text(), program.type_text()];
    let is_root = place.path.is_empty();
    if !is_root {
        sides[0] += &format!(" at offset {}", place.object_offset);
        sides[1] += &format!(" at offset {}", place.program_offset);
    }
    if sides[0] == sides[1] {
        // The names are the same, so say what is not; in a list it may be what the list consists of.
        let (object, program) = differing_items(object, program);
        for (side, schema) in sides.iter_mut().zip([object, program]) {
            *side += &if object.version != program.version {
                match schema.version {
                    0 => " without `version`".to_owned(),
                    version => format!(" with `version = {version}`"),
                }
            } else if let (Some(repr), true) = (schema.repr(), object.repr() != program.repr()) {
                format!(" stored as {repr}")
            } else if object.size != program.size {
                format!(" of {} bytes", schema.size)
            } else {
                format!(" ({:?})", schema.kind())
            };
        }
    }
    let [object, program] = sides;
    place.found(object, program)
}

/// Goes into lists and options as long as they themselves are the same.
fn differing_items<'a>(
    mut object: &'a StoredSchema,
    mut program: &'a StoredSchema,
) -> (&'a StoredSchema, &'a StoredSchema) {
    let own = |schema: &StoredSchema| (schema.kind(), schema.version, schema.size);
    while own(object) == own(program) {
        let (Some(o), Some(p)) = (object.item(), program.item()) else {
            break;
        };
        (object, program) = (o, p);
    }
    (object, program)
}

fn fields(place: &Place, object: &[StoredField], program: &[StoredField]) -> Option<Found> {
    let named = |fields: &[StoredField], name: &str| fields.iter().any(|field| field.name == name);
    let at = |offset: usize, field: &StoredField| {
        format!(
            "{} at offset {}",
            field.schema.type_text(),
            offset.saturating_add(field.offset)
        )
    };
    let in_object = |field: &StoredField| at(place.object_offset, field);
    let in_program = |field: &StoredField| at(place.program_offset, field);
    let step = |field: &StoredField| format!(".{}", field.name);
    let absent = || "absent".to_owned();

    for i in 0..object.len().max(program.len()) {
        let found = match (object.get(i), program.get(i)) {
            (Some(o), Some(p)) if o.name == p.name => types(
                place.join(&step(o), o.offset, p.offset),
                &o.schema,
                &p.schema,
            ),
            (Some(o), Some(p)) => {
                match (named(program, &o.name), named(object, &p.name)) {
                    // Swapped, or moved to another place.
                    (true, true) => {
                        let p = program.iter().find(|p| p.name == o.name)?;
                        let place = place.join(&step(o), 0, 0);
                        place.found(in_object(o), in_program(p))
                    }
                    (true, false) => place.join(&step(p), 0, 0).found(absent(), in_program(p)),
                    (false, true) => place.join(&step(o), 0, 0).found(in_object(o), absent()),
                    // Renamed, or replaced.
                    (false, false) => place
                        .join(&step(o), 0, 0)
                        .found(in_object(o), format!("`{}`: {}", p.name, in_program(p))),
                }
            }
            (Some(o), None) => place.join(&step(o), 0, 0).found(in_object(o), absent()),
            (None, Some(p)) => place.join(&step(p), 0, 0).found(absent(), in_program(p)),
            (None, None) => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn variants(place: &Place, object: &[StoredVariant], program: &[StoredVariant]) -> Option<Found> {
    let text = |variant: &StoredVariant| format!("variant `{}` = {}", variant.name, variant.value);
    let missing = |variant: &StoredVariant| format!("no variant `{}`", variant.name);
    let place = place.join("", 0, 0);
    for o in object {
        let same_name = program.iter().find(|p| p.name == o.name);
        let same_value = program.iter().find(|p| p.value == o.value);
        match (same_name, same_value) {
            (Some(p), _) if p.value == o.value => {}
            (Some(p), _) | (None, Some(p)) => return place.found(text(o), text(p)),
            (None, None) => return place.found(text(o), missing(o)),
        }
    }
    if let Some(p) = program
        .iter()
        .find(|p| !object.iter().any(|o| o.name == p.name))
    {
        return place.found(missing(p), text(p));
    }
    let moved = object.iter().zip(program).find(|(o, p)| o.name != p.name);
    let (o, p) = moved?;
    place.found(
        format!("variant `{}` first", o.name),
        format!("variant `{}` first", p.name),
    )
}
