"""Images: where they stand, over which settings, and what they become at a site. Layer: images, pure."""
