"""One file per verb: a request and ports in, a result out. Layer: actions; prints nothing."""
