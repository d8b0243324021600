//! Questions packed and answers told apart.
