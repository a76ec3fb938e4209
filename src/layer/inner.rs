//! Access to the inner service, as in tower's own services.

/// Adds the three accessor methods to a service with a field `inner` of this type.
macro_rules! inner_service {
    ($inner:ty) => {
        /// Returns the inner service.
        pub fn get_ref(&self) -> &$inner {
            &self.inner
        }

        /// Returns the inner service mutably.
        pub fn get_mut(&mut self) -> &mut $inner {
            &mut self.inner
        }

        /// Returns the inner service, consuming this one.
        #[must_use]
        pub fn into_inner(self) -> $inner {
            self.inner
        }
    };
}
pub(crate) use inner_service;
