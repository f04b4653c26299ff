-- Run once, when the database is made: the account that the API and the workers use. It reads and writes rows;
-- tables are made, changed and dropped by their owner alone, who only runs migrations.
\getenv app_password POSTGRES_APP_PASSWORD
CREATE ROLE tafawoq_app LOGIN PASSWORD :'app_password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 80;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE CONNECT ON DATABASE tafawoq FROM PUBLIC;
GRANT CONNECT ON DATABASE tafawoq TO tafawoq_app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO tafawoq_app;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tafawoq_app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO tafawoq_app;
