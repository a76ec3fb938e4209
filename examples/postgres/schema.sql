CREATE TABLE hmac_keys (
    id     BIGSERIAL PRIMARY KEY,
    key_id TEXT NOT NULL,
    secret BYTEA NOT NULL
);
CREATE INDEX ON hmac_keys (key_id, id DESC);
