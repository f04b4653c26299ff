-- Run once, when the database is made. This is the account of the API and the workers: it reads and writes rows.
-- Only the owner makes, changes and drops tables, and the owner only runs migrations.
\getenv app_password POSTGRES_APP_PASSWORD
CREATE ROLE tafawoq_app LOGIN PASSWORD :'app_password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 80;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE CONNECT ON DATABASE tafawoq FROM PUBLIC;
GRANT CONNECT ON DATABASE tafawoq TO tafawoq_app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO tafawoq_app;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tafawoq_app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO tafawoq_app;
