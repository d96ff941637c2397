"""Images: where they are, over which settings, and what they become at a site. Layer: images, pure."""
