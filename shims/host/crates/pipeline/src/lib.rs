//! kinora-pipeline.
