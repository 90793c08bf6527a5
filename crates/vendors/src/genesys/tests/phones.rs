//! Telephone entries in all the shapes that they are read in.

use super::plan;
use crate::genesys::{Genesys, phones};
use paceline_core::diff::{self, Settled};
use paceline_core::user::UserId;
use paceline_core::vendor::{Reads, User, Writes};
use serde_json::{Value, json};

fn phone(kind: &str, told: Value) -> Value {
    let mut entry = json!({"mediaType": "PHONE", "type": kind});
    entry.as_object_mut().unwrap().extend(told.as_object().cloned().unwrap());
    entry
}

/// What a row makes of these entries; `null` where nothing is sent.
fn sent(row: Value, held: &Value) -> Value {
    let changes = plan(row, json!({"addresses": held})).unwrap();
    if changes.is_empty() { Value::Null } else { Genesys.call(&changes).body.unwrap()["addresses"].clone() }
}

#[test]
fn an_entry_is_sent_back_as_the_api_takes_it() {
    let table = [
        (json!({"address": "+13175550108", "display": "(317) 555-0108"}), json!({"address": "+13175550108"})),
        (json!({"extension": "2001", "display": "2001"}), json!({"extension": "2001"})),
        (json!({"extension": "2001", "display": "(2001)", "address": "+13175552001"}), json!({"extension": "2001"})),
        (
            json!({"extension": "3001", "display": "+1 317-555-0107"}),
            json!({"address": "+13175550107", "extension": "3001"}),
        ),
        (
            json!({"extension": "3001", "display": "+13175550107 x3001", "countryCode": "US"}),
            json!({"address": "+13175550107", "extension": "3001", "countryCode": "US"}),
        ),
        (json!({"display": "(2001)"}), json!({"extension": "2001"})),
        (json!({"display": "+13175550107"}), json!({"address": "+13175550107"})),
        (json!({"address": "+13175550107", "extension": "7"}), json!({"address": "+13175550107", "extension": "7"})),
    ];
    for (told, expected) in table {
        assert_eq!(phones::written(&phone("WORK", told.clone())), phone("WORK", expected), "{told}");
        let read = phone("WORK", told);
        assert_eq!(
            phones::written(&phones::written(&read)),
            phones::written(&read),
            "writing it again changes nothing"
        );
    }
    let mail = json!({"address": "a@x.org", "mediaType": "EMAIL", "type": "WORK", "display": "a@x.org"});
    assert_eq!(phones::written(&mail), json!({"address": "a@x.org", "mediaType": "EMAIL", "type": "WORK"}));
}

#[test]
fn what_a_row_does_not_name_is_not_lost() {
    let held = json!([
        phone("WORK", json!({"display": "(2001)"})),
        phone("WORK2", json!({"extension": "3001", "display": "+13175550107"})),
        phone("HOME", json!({"address": "+13175550108", "display": "x"})),
    ]);
    let kept = [
        phone("WORK", json!({"extension": "2001"})),
        phone("WORK2", json!({"extension": "3001", "address": "+13175550107"})),
        phone("HOME", json!({"address": "+13175550108"})),
    ];
    let mobile = phone("MOBILE", json!({"address": "+13175550199"}));
    let expected: Vec<Value> = kept.into_iter().chain([mobile]).collect();
    assert_eq!(sent(json!({"phone_mobile": "+1 (317) 555-0199"}), &held), json!(expected));
}

#[test]
fn a_column_sets_and_clears_its_own_half_of_an_entry() {
    let both = json!([phone("WORK", json!({"extension": "7", "display": "+341", "countryCode": "ES"}))]);
    let number = json!([phone("WORK", json!({"address": "+341"}))]);
    let two =
        json!([phone("WORK", json!({"address": "+341"})), phone("WORK2", json!({"extension": "8", "display": "8"}))]);
    let text = json!([{"mediaType": "SMS", "type": "MOBILE", "address": "+346", "countryCode": "ES"}]);
    let table = [
        (json!({"phone_work": "+342"}), &both, json!([phone("WORK", json!({"address": "+342", "extension": "7"}))])),
        (json!({"phone_work": null}), &both, json!([phone("WORK", json!({"extension": "7"}))])),
        (json!({"extension": null}), &both, json!([phone("WORK", json!({"address": "+341", "countryCode": "ES"}))])),
        (json!({"phone_work": null, "extension": null}), &both, json!([])),
        (json!({"extension": "9"}), &number, json!([phone("WORK", json!({"address": "+341", "extension": "9"}))])),
        (json!({"extension": "8"}), &two, json!(null)),
        (
            json!({"extension": "9"}),
            &two,
            json!([phone("WORK", json!({"address": "+341"})), phone("WORK2", json!({"extension": "9"}))]),
        ),
        (json!({"extension": null}), &two, number.clone()),
        (
            json!({"phone_work": "+13175550100", "extension": "2001"}),
            &json!([]),
            json!([phone("WORK", json!({"address": "+13175550100", "extension": "2001"}))]),
        ),
        (json!({"phone_mobile": "+346"}), &text, json!(null)),
        (json!({"phone_mobile": "+347"}), &text, json!([{"mediaType": "SMS", "type": "MOBILE", "address": "+347"}])),
        (json!({"phone_mobile": null}), &text, json!([])),
        (json!({"phone_home": null}), &both, json!(null)),
    ];
    for (row, held, expected) in table {
        assert_eq!(sent(row.clone(), held), expected, "{row} {held}");
    }
}

#[test]
fn a_number_is_the_same_however_it_is_written() {
    let held =
        json!([phone("WORK", json!({"address": "+13175550100", "display": "(317) 555-0100", "countryCode": "US"}))]);
    for number in ["+13175550100", "+1 (317) 555-0100", "13175550100", "317-555-0100", " +1.317.555.0100 "] {
        assert_eq!(sent(json!({"phone_work": number}), &held), Value::Null, "{number}");
    }
    // Asked for as a whole, what the vendor adds to an entry is no difference.
    let asked = json!([phone("WORK", json!({"address": "+1 317 555 0100"}))]);
    assert_eq!(sent(json!({"addresses": asked}), &held), Value::Null);
    let other = json!([phone("WORK", json!({"address": "+13175550101"}))]);
    assert_eq!(sent(json!({"addresses": other}), &held), other);
    assert_eq!(sent(json!({"addresses": null}), &held), json!([]));
}

#[test]
fn a_lost_answer_is_settled_whatever_the_vendor_makes_of_a_number() {
    let held = json!([phone("HOME", json!({"display": "(2001)"}))]);
    let change = plan(json!({"phone_work": "0317 555"}), json!({"addresses": held})).unwrap().remove(0);
    let settle = |shown: Value| {
        let user = User { id: UserId("u-1".into()), version: Some(8), record: json!({"addresses": shown}) };
        diff::settle(&change.before, &change.after, &Genesys.holds(&change, &user))
    };
    let home = phone("HOME", json!({"extension": "2001", "display": "2001"}));
    let work = phone("WORK", json!({"address": "+49317555", "display": "0317-555", "countryCode": "DE"}));
    assert_eq!(settle(json!([home, work])), Settled::Holds);
    assert_eq!(settle(json!([home])), Settled::Untouched);
    assert!(matches!(settle(json!([])), Settled::Conflict(_)));
}

#[test]
fn a_column_shows_what_it_would_set() {
    let record = json!({"addresses": [
        {"mediaType": "EMAIL", "type": "WORK", "address": "a@x.org"},
        phone("WORK", json!({"extension": "7", "display": "+341"})),
        {"mediaType": "SMS", "type": "MOBILE", "address": "+346"},
    ]});
    let user = User { id: UserId("u-1".into()), version: None, record };
    let shown = ["phone_work", "extension", "phone_mobile", "phone_home"].map(|column| Genesys.value(&user, column));
    assert_eq!(shown, [json!("+341"), json!("7"), json!("+346"), json!(null)]);
}
