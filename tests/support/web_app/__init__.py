"""A double of the live web app: its pages as they behave in a browser, and its server after docs/web-app.md."""
