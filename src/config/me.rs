//! What the person who sits here is called.

use std::env;
use std::fs;

use super::Me;

/// Where the names of users are, by passwd(5).
const USERS: &str = "/etc/passwd";

impl Me {
    /// The configured name, or else the login's: it is never empty.
    pub fn called(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let uid = rustix::process::getuid().as_raw();
        fs::read_to_string(USERS)
            .ok()
            .and_then(|users| name_of(&users, uid))
            .or_else(|| env::var("USER").ok().filter(|name| !name.is_empty()))
            .unwrap_or_else(|| format!("uid {uid}"))
    }
}

/// The name of a user in the lines of passwd(5): `name:password:uid:…`.
fn name_of(users: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_always_named_and_by_the_settings_first() {
        let mara = Me {
            name: "mara".to_owned(),
            ..Me::default()
        };
        assert_eq!(mara.called(), "mara");
        assert!(!Me::default().called().is_empty());
        let users = "root:x:0:0::/root:/bin/sh\n\nlee:x:1000:1000::/home/lee:/bin/sh\n";
        assert_eq!(name_of(users, 1000).as_deref(), Some("lee"));
        assert_eq!(name_of(users, 100), None);
    }
}
