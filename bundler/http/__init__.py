"""HTTP/1.1, TLS, proxies and retries for every adapter that speaks to servers. Layer: adapter foundation."""
