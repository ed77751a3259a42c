use super::*;

fn member(account: &str, email: &str) -> MemberEntry {
    MemberEntry { account: account.to_owned(), email: email.to_owned() }
}

#[test]
fn ids_are_read_from_one_line_and_from_many() {
    for text in [
        "111122223333,444455556666,000000000042",
        "000000000042\n111122223333\n444455556666\n",
        "\u{feff}111122223333, 444455556666 ,\r\n\r\n\"000000000042\"\r\n",
        "444455556666\r\n111122223333,000000000042",
    ] {
        assert!(is_id_list(text), "{text:?}");
        let ids = ids_of(text).unwrap();
        assert_eq!(ids, ["000000000042", "111122223333", "444455556666"], "{text:?}");
    }
    for text in ["id,name\n111122223333,a", "111122223333,prod-shop", "\n{\"Accounts\":[]}"] {
        assert!(!is_id_list(text), "{text:?}");
    }
}

#[test]
fn members_are_read_with_and_without_a_head() {
    let expected = [member("000000000042", "b@x.example"), member("111122223333", "a+1@x.example")];
    for text in [
        "111122223333,a+1@x.example\n000000000042,b@x.example\n",
        "account,email\r\n111122223333,a+1@x.example\r\n000000000042,b@x.example",
        "\u{feff}\"AccountId\",\"Email address\"\n\n\"111122223333\",\"a+1@x.example\" \n\
         000000000042 ,b@x.example\n,,\n",
        "email,account\nb@x.example,000000000042\na+1@x.example,111122223333",
    ] {
        assert_eq!(members_of(text).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn every_mistake_of_a_list_has_its_line() {
    for (text, expected) in [
        ("", vec!["has no accounts"]),
        ("\n , \n", vec!["has no accounts"]),
        ("111122223333\n42", vec!["line 2 must have an account id of 12 digits; there are fewer"]),
        (
            "\u{ff11}11122223333,1111-2222-3333\n1.11E+11\n",
            vec![
                "line 1 must have an account id of 12 digits; these digits are not ASCII",
                "line 1 must have an account id of 12 digits; leave out the hyphens",
                "line 2 must have an account id of 12 digits; a spreadsheet wrote it as a number",
            ],
        ),
        ("1111222233334,", vec!["line 1 must have an account id of 12 digits; this is none"]),
        (
            "\u{200b}111122223333",
            vec!["line 1 must have an account id of 12 digits; there is an i"],
        ),
        ("111122223333,111122223333", vec!["line 1 must not repeat an id"]),
        ("111122223333\n\n111122223333", vec!["line 3 must not repeat the id of line 1"]),
        ("111122223333\n\u{feff}444455556666", vec!["line 2 must not have a byte order mark"]),
        ("111122223333\r444455556666", vec!["line 1 must not have a carriage return inside"]),
        ("\"111122223333", vec!["line 1 must close each quote"]),
    ] {
        let mistakes = ids_of(text).unwrap_err();
        assert_eq!(mistakes.len(), expected.len(), "{text:?}: {mistakes:?}");
        for (mistake, start) in mistakes.iter().zip(expected) {
            assert!(mistake.starts_with(start), "{text:?}: {mistake}");
        }
    }
}

#[test]
fn every_mistake_of_a_member_has_its_line_and_repeats_no_value() {
    for (line, expected) in [
        ("111122223333", vec!["must have two fields"]),
        ("111122223333,a@x.example,SECRET", vec!["must have two fields"]),
        ("42,b@x.example", vec!["must have an account id of 12 digits; there are fewer"]),
        ("444455556666,", vec!["must have the e-mail address of the account; there is none"]),
        ("444455556666,SECRET", vec!["must have the e-mail address of the account; it has no @"]),
        (
            "444455556666,a@@x.example",
            vec!["must have the e-mail address of the account; it has m"],
        ),
        (
            "444455556666,SECRET a@x.example",
            vec!["must have the e-mail address of the account; it has a s"],
        ),
        (
            "444455556666,.a@x.example",
            vec!["must have the e-mail address of the account; the part b"],
        ),
        (
            "444455556666,a<b@x.example",
            vec!["must have the e-mail address of the account; the part b"],
        ),
        ("444455556666,secret@x", vec!["must have the e-mail address of the account; the part a"]),
        (
            "444455556666,a@-x.example",
            vec!["must have the e-mail address of the account; the part a"],
        ),
        (
            "444455556666,\u{ff41}@x.example",
            vec!["must have the e-mail address of the account; it has cha"],
        ),
        ("444455556666,A@X.example", vec!["must not repeat the address of line 1"]),
        ("111122223333,b@x.example", vec!["must not repeat the id of line 1"]),
        (
            "4,SECRET",
            vec![
                "must have an account id of 12",
                "must have the e-mail address of the account; it has no",
            ],
        ),
    ] {
        let text = format!("111122223333,a@x.example\n{line}\n000000000042,c@x.example\n");
        let mistakes = members_of(&text).unwrap_err();
        assert_eq!(mistakes.len(), expected.len(), "{line:?}: {mistakes:?}");
        for (mistake, start) in mistakes.iter().zip(expected) {
            assert!(mistake.starts_with(&format!("line 2 {start}")), "{line:?}: {mistake}");
            assert!(!mistake.to_lowercase().contains("secret"), "{mistake}");
        }
    }
    assert!(members_of("name,email\n111122223333,a@x.example").unwrap_err()[0].contains("line 1"));
}

#[test]
fn mistakes_of_a_file_are_bounded() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "1,x\n".repeat(5_000)).unwrap();
    let mistakes = members_of_file("--members", file.path()).unwrap_err();
    assert_eq!(mistakes.len(), MISTAKES_MAX);
    assert!(mistakes[0].to_string().starts_with("--members: line 1 must have"));
    std::fs::write(file.path(), [0xff, 0xfe, 0x31, 0]).unwrap();
    let mistakes = account_ids_of_file("--accounts", file.path()).unwrap_err();
    assert!(mistakes[0].what.contains("UTF-8"), "{mistakes:?}");
    std::fs::write(file.path(), "account,email\n111122223333,a@x.example\n").unwrap();
    assert_eq!(account_ids_of_file("--accounts", file.path()).unwrap(), ["111122223333"]);
}
