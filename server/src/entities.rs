//! The engine's answers as entities of the wire.

use engine::runtime::QueryError;
use engine::statements::{
    Answer, FieldConstraint, FunctionDescription, FunctionSignature, GroupOffsets, Outcome, Property, QueryDescription,
    QueryLine, QueryType, SourceDescription, SourceField, SourceLine, TaskOffsets, TopicLine,
};
use engine::types::SqlType;
use serde_json::{Map, Value};
use wire::{Entity, Field, SchemaInfo, Warning};

/// The entity of an answer, if it has one. `host` is this server's `host:port`.
pub(crate) fn entity(answer: Answer, host: &str) -> Option<Entity> {
    let statement_text = answer.text;
    let warnings: Vec<Warning> = answer.warnings.into_iter().map(|message| Warning { message }).collect();
    Some(match answer.outcome {
        Outcome::Nothing => return None,
        Outcome::Command(command) => Entity::CurrentStatus(wire::CommandStatusEntity {
            statement_text,
            command_id: command.command_id,
            command_sequence_number: command.sequence_number,
            command_status: command_status(command.message, command.query_id),
            warnings,
        }),
        Outcome::NothingToDo { message } => Entity::Warning(wire::WarningEntity { statement_text, message, warnings }),
        Outcome::Streams(lines) => {
            let streams = lines.into_iter().map(|line| source_info(line, "STREAM")).collect();
            Entity::Streams(wire::StreamList { statement_text, streams, warnings })
        }
        Outcome::Tables(lines) => {
            let tables = lines.into_iter().map(|line| source_info(line, "TABLE")).collect();
            Entity::Tables(wire::TableList { statement_text, tables, warnings })
        }
        Outcome::SourceDescriptions(sources) => {
            let source_descriptions = sources.into_iter().map(source_description).collect();
            Entity::SourceDescriptions(wire::SourceDescriptionList { statement_text, source_descriptions, warnings })
        }
        Outcome::SourceDescription(source) => Entity::SourceDescription(wire::SourceDescriptionEntity {
            statement_text,
            source_description: source_description(*source),
            warnings,
        }),
        Outcome::Queries(lines) => {
            let queries = lines.into_iter().map(running_query).collect();
            Entity::Queries(wire::QueryList { statement_text, queries, warnings })
        }
        Outcome::QueryDescriptions(queries) => {
            let query_descriptions = queries.into_iter().map(|query| query_description(query, host)).collect();
            Entity::QueryDescriptions(wire::QueryDescriptionList { statement_text, query_descriptions, warnings })
        }
        Outcome::QueryDescription(query) => Entity::QueryDescription(wire::QueryDescriptionEntity {
            statement_text,
            query_description: query_description(*query, host),
            warnings,
        }),
        other => lists(other, statement_text, warnings)?,
    })
}

/// The entities that list things other than sources and queries.
fn lists(outcome: Outcome, statement_text: String, warnings: Vec<Warning>) -> Option<Entity> {
    Some(match outcome {
        Outcome::Topics { topics, extended: false } => {
            let topics = topics.into_iter().map(topic).collect();
            Entity::Topics(wire::TopicList { statement_text, topics, warnings })
        }
        Outcome::Topics { topics, extended: true } => {
            let topics = topics.into_iter().map(topic_extended).collect();
            Entity::TopicsExtended(wire::TopicListExtended { statement_text, topics, warnings })
        }
        Outcome::Properties { properties, overwritten, defaults } => Entity::Properties(wire::PropertiesList {
            statement_text,
            properties: properties.into_iter().map(property).collect(),
            overwritten_properties: overwritten,
            default_properties: defaults,
            warnings,
        }),
        Outcome::Functions(functions) => {
            let name = |line: engine::statements::FunctionLine| wire::FunctionName {
                name: line.name,
                kind: line.kind.to_owned(),
                category: line.category,
            };
            let functions = functions.into_iter().map(name).collect();
            Entity::Functions(wire::FunctionList { statement_text, functions, warnings })
        }
        Outcome::Function(function) => Entity::Function(describe_function(*function, statement_text, warnings)),
        Outcome::Types(types) => {
            let info = |(name, ty)| Some((name, serde_json::to_value(schema_info(&ty)).ok()?));
            let types: Map<String, Value> = types.into_iter().filter_map(info).collect();
            Entity::Types(wire::TypeList { statement_text, types, warnings })
        }
        Outcome::Variables(variables) => {
            let variables = variables.into_iter().map(|(name, value)| wire::Variable { name, value }).collect();
            Entity::Variables(wire::VariableList { statement_text, variables, warnings })
        }
        Outcome::PushQueryTerminated { query_id, was_terminated } => {
            Entity::TerminateQuery(wire::TerminateQuery { statement_text, query_id, was_terminated, warnings })
        }
        Outcome::Connectors => {
            Entity::Connectors(wire::ConnectorList { statement_text, connectors: Vec::new(), warnings })
        }
        Outcome::ConnectorPlugins => Entity::ConnectorPlugins(wire::ConnectorPlugins {
            statement_text,
            connectors_plugins: Vec::new(),
            warnings,
        }),
        Outcome::AssertedTopic { topic, exists } => {
            Entity::AssertTopic(wire::AssertTopic { statement_text, topic_name: topic, exists, warnings })
        }
        Outcome::AssertedSchema { subject, id, exists } => {
            Entity::AssertSchema(wire::AssertSchema { statement_text, subject, id, exists, warnings })
        }
        _ => return None,
    })
}

/// What became of a command. Commands are executed before they are answered, so there is only success.
pub(crate) fn command_status(message: String, query_id: Option<String>) -> wire::CommandStatus {
    wire::CommandStatus { status: "SUCCESS".to_owned(), message, query_id }
}

fn source_info(line: SourceLine, kind: &str) -> wire::SourceInfo {
    wire::SourceInfo {
        kind: kind.to_owned(),
        name: line.name,
        topic: line.topic,
        key_format: line.key_format,
        value_format: line.value_format,
        is_windowed: line.windowed,
    }
}

/// A column.
pub(crate) fn field(field: SourceField) -> Field {
    let (kind, header_key) = match field.constraint {
        FieldConstraint::None => (None, None),
        FieldConstraint::Key => (Some("KEY"), None),
        FieldConstraint::Headers => (Some("HEADER"), None),
        FieldConstraint::Header(key) => (Some("HEADER"), Some(key)),
    };
    Field { name: field.name, schema: schema_info(&field.ty), kind: kind.map(str::to_owned), header_key }
}

/// A type.
pub(crate) fn schema_info(ty: &SqlType) -> SchemaInfo {
    let mut info = SchemaInfo { base: String::new(), fields: None, member_schema: None, parameters: Map::new() };
    info.base = match ty {
        SqlType::Decimal { precision, scale } => {
            info.parameters.insert("precision".to_owned(), Value::from(*precision));
            info.parameters.insert("scale".to_owned(), Value::from(*scale));
            "DECIMAL".to_owned()
        }
        SqlType::Array(item) => {
            info.member_schema = Some(Box::new(schema_info(item)));
            "ARRAY".to_owned()
        }
        SqlType::Map(_, value) => {
            info.member_schema = Some(Box::new(schema_info(value)));
            "MAP".to_owned()
        }
        SqlType::Struct(fields) => {
            let field = |(name, ty): &(String, SqlType)| Field {
                name: name.clone(),
                schema: schema_info(ty),
                kind: None,
                header_key: None,
            };
            info.fields = Some(fields.iter().map(field).collect());
            "STRUCT".to_owned()
        }
        simple => simple.to_string(),
    };
    info
}

fn query_type(query_type: QueryType) -> String {
    match query_type {
        QueryType::Persistent => "PERSISTENT",
        QueryType::Push => "PUSH",
        QueryType::Pull => "PULL",
    }
    .to_owned()
}

fn running_query(line: QueryLine) -> wire::RunningQuery {
    let (sinks, sink_kafka_topics) = line.sink.map(|(name, topic)| (vec![name], vec![topic])).unwrap_or_default();
    wire::RunningQuery {
        query_string: line.text,
        sinks,
        sink_kafka_topics,
        id: line.id,
        status_count: Map::from_iter([(line.status, Value::from(1))]),
        query_type: query_type(line.query_type),
        state: Some(line.state),
    }
}

fn source_description(source: SourceDescription) -> wire::SourceDescription {
    wire::SourceDescription {
        name: source.name,
        window_type: source.window_type.map(str::to_owned),
        read_queries: source.readers.into_iter().map(running_query).collect(),
        write_queries: source.writers.into_iter().map(running_query).collect(),
        fields: source.fields.into_iter().map(field).collect(),
        kind: if source.is_table { "TABLE" } else { "STREAM" }.to_owned(),
        timestamp: source.timestamp,
        statistics: String::new(),
        error_stats: source.trouble,
        extended: source.extended,
        key_format: source.key_format,
        value_format: source.value_format,
        topic: source.topic,
        partitions: source.partitions,
        replication: source.replicas,
        statement: source.statement,
        query_offset_summaries: source.offsets.into_iter().map(offset_summary).collect(),
        source_constraints: source.dependants,
        cluster_statistics: Vec::new(),
        cluster_error_stats: Vec::new(),
    }
}

fn offset_summary(group: GroupOffsets) -> wire::QueryOffsetSummary {
    let topic_summaries = group.topics.into_iter().map(|(kafka_topic, partitions)| {
        let offsets = partitions.into_iter().map(|partition| wire::ConsumerOffset {
            partition: partition.partition,
            log_start_offset: partition.begin,
            log_end_offset: partition.end,
            consumer_offset: partition.position,
        });
        wire::QueryTopicOffsetSummary { kafka_topic, offsets: offsets.collect() }
    });
    wire::QueryOffsetSummary { group_id: group.group, topic_summaries: topic_summaries.collect() }
}

fn query_description(query: QueryDescription, host: &str) -> wire::QueryDescription {
    let status = |line: &QueryLine| (host.to_owned(), Value::from(line.status.clone()));
    let error = |error: QueryError| wire::QueryError {
        timestamp: error.time_ms,
        error_message: error.message,
        kind: error.blame.to_string(),
    };
    wire::QueryDescription {
        id: query.id,
        statement_text: query.text,
        window_type: query.window_type.map(str::to_owned),
        fields: query.fields.into_iter().map(field).collect(),
        sources: query.sources,
        sinks: query.sinks,
        topology: query.topology,
        execution_plan: query.execution_plan,
        overridden_properties: query.overrides.into_iter().map(|(name, value)| (name, Value::from(value))).collect(),
        ksql_host_query_status: query.running.iter().map(status).collect(),
        query_type: query_type(query.query_type),
        query_errors: query.errors.into_iter().map(error).collect(),
        tasks_metadata: query.tasks.into_iter().map(task).collect(),
        consumer_group_id: query.group,
        state: query.running.map(|line| line.state),
    }
}

fn task(task: TaskOffsets) -> wire::TaskMetadata {
    let offsets = task.offsets.into_iter().map(|(topic, partition, end_offset, committed_offset)| wire::TopicOffset {
        topic_partition_entity: wire::TopicPartitionEntity { topic, partition },
        end_offset,
        committed_offset,
    });
    wire::TaskMetadata { task_id: task.id, topic_offsets: offsets.collect(), time_current_idling_started: None }
}

fn replica_info(topic: &TopicLine) -> Vec<u32> {
    vec![topic.replicas; usize::try_from(topic.partitions).unwrap_or_default()]
}

fn topic(topic: TopicLine) -> wire::TopicInfo {
    wire::TopicInfo { replica_info: replica_info(&topic), name: topic.name }
}

fn topic_extended(topic: TopicLine) -> wire::TopicInfoExtended {
    wire::TopicInfoExtended {
        replica_info: replica_info(&topic),
        name: topic.name,
        consumer_count: topic.consumers,
        consumer_group_count: topic.consumer_groups,
    }
}

fn property(property: Property) -> wire::Property {
    wire::Property {
        name: property.name,
        scope: "KSQL".to_owned(),
        value: property.value,
        editable: property.editable,
        level: if property.per_query { "QUERY" } else { "SERVER" }.to_owned(),
    }
}

fn describe_function(
    function: FunctionDescription,
    statement_text: String,
    warnings: Vec<Warning>,
) -> wire::DescribeFunction {
    wire::DescribeFunction {
        statement_text,
        name: function.name,
        description: function.description,
        author: function.author,
        version: function.version,
        path: "internal".to_owned(),
        functions: function.signatures.into_iter().map(signature).collect(),
        kind: function.kind.to_owned(),
        warnings,
    }
}

fn signature(signature: FunctionSignature) -> wire::FunctionInfo {
    let argument_types = signature.arguments.iter().map(|argument| argument.ty.clone()).collect();
    let argument = |argument: engine::statements::FunctionArgument| wire::FunctionArgument {
        name: argument.name,
        ty: argument.ty,
        description: argument.description,
        is_variadic: argument.variadic,
    };
    wire::FunctionInfo {
        arguments: signature.arguments.into_iter().map(argument).collect(),
        return_type: signature.return_type,
        description: signature.description,
        argument_types,
    }
}
