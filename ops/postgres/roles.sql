-- Run once, when the database is made. This is the account of the API and the workers: it reads and writes rows.
-- Only the owner makes, changes and drops tables, and the owner only runs migrations.
\getenv app_password POSTGRES_APP_PASSWORD
CREATE ROLE tafawoq_app LOGIN PASSWORD :'app_password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 80;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE CONNECT ON DATABASE tafawoq FROM PUBLIC;
GRANT CONNECT ON DATABASE tafawoq TO tafawoq_app;
-- The web app's tables: rows of sessions are written and changed, and never deleted.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO tafawoq_app;
-- Ours. Alembic's own table is made here, as Alembic makes it, so that the account can only read it.
CREATE SCHEMA generation;
GRANT USAGE ON SCHEMA generation TO tafawoq_app;
CREATE TABLE generation.alembic_version (version_num varchar(32) CONSTRAINT alembic_version_pkc PRIMARY KEY);
GRANT SELECT ON generation.alembic_version TO tafawoq_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA generation GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tafawoq_app;
