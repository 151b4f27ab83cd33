using System.Globalization;
using System.Text.Json;

namespace DeepEdu.Education.Report;

/// <summary>Results for machines: one object, or an array when several tasks ran; of several seeds an object of all runs and of their means and deviations. NaN is null.</summary>
internal static class JsonReport
{
    public static byte[] Render(IReadOnlyList<RunResult> results) => Render(json =>
    {
        if (results.Count != 1) { json.WriteStartArray(); }
        foreach (RunResult result in results) { Write(json, result); }
        if (results.Count != 1) { json.WriteEndArray(); }
    });

    public static byte[] Render(IReadOnlyList<RunResult> results, IReadOnlyList<SeedSpread> spreads) => Render(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("runs");
        foreach (RunResult result in results) { Write(json, result); }
        json.WriteEndArray();
        json.WriteStartArray("seeds");
        foreach (SeedSpread spread in spreads) { Write(json, spread); }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static byte[] Render(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true })) { write(json); }
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter json, RunResult result)
    {
        json.WriteStartObject();
        json.WriteString("task", result.Task);
        json.WriteString("model", result.Model);
        json.WriteString("data", result.Data);
        Write(json, "metrics", result.Metrics);
        json.WriteStartObject("baselines");
        foreach (var (name, scores) in result.Baselines) { Write(json, name, scores); }
        json.WriteEndObject();
        if (result.Canary is not null) { Write(json, result.Canary); }
        if (result.Privacy is not null) { Write(json, result.Privacy); }
        if (result.Search is not null) { Write(json, result.Search); }
        json.WriteNumber("epochs", result.Epochs);
        if (result.Interrupted) { json.WriteBoolean("interrupted", true); }
        json.WriteNumber("seconds", Math.Round(result.Seconds, 3));
        json.WriteNumber("seed", result.Seed);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, SeedSpread spread)
    {
        json.WriteStartObject();
        json.WriteString("task", spread.First.Task);
        json.WriteString("model", spread.First.Model);
        json.WriteString("data", spread.First.Data);
        json.WriteStartArray("seed");
        foreach (RunResult run in spread.Runs) { json.WriteNumberValue(run.Seed); }
        json.WriteEndArray();
        WriteSpreads(json, "metrics", spread.Metrics);
        json.WriteStartObject("baselines");
        foreach (var (name, scores) in spread.Baselines) { WriteSpreads(json, name, scores); }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteSpreads(Utf8JsonWriter json, string name, IReadOnlyList<Spread> spreads)
    {
        json.WriteStartObject(name);
        foreach (Spread s in spreads) { Write(json, s.Name, [new Score("mean", s.Mean), new Score("deviation", s.Deviation)]); }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, CanaryFound canary)
    {
        json.WriteStartObject("canary");
        json.WriteBoolean("leaks", canary.Leaks);
        foreach (CanaryScore s in canary.Scores) { Write(json, s.Name, [new("value", s.Value), new("chance", s.Chance), new("bound", s.Bound)]); }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, SearchTold told)
    {
        json.WriteStartObject("search");
        json.WriteString("by", told.By);
        json.WriteString("metric", told.Metric);
        if (told.Best is { } best) { json.WriteNumber("best", best.Number); }
        json.WriteStartArray("trials");
        foreach (TrialTold trial in told.Trials)
        {
            json.WriteStartObject();
            json.WriteNumber("trial", trial.Number);
            json.WriteStartObject("options");
            foreach (var (name, value) in trial.Options)
            {
                if (double.TryParse(value, CultureInfo.InvariantCulture, out double number)) { json.WriteNumber(name, number); } else { json.WriteString(name, value); }
            }
            json.WriteEndObject();
            json.WriteNumber("until", trial.Until);
            if (double.IsFinite(trial.Value)) { json.WriteNumber("value", trial.Value); } else { json.WriteNull("value"); }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, PrivacyTold told)
    {
        json.WriteStartObject("privacy");
        foreach (var (name, value) in (ReadOnlySpan<(string, double)>)[("epsilon", told.Epsilon), ("delta", told.Delta), ("clip", told.Clip), ("noise", told.Noise), ("batch", told.Batch), ("rate", told.Rate), ("steps", told.Steps),
            ("learners", told.Learners), ("trainings", told.Trainings), ("order", told.Order)])
        {
            json.WriteNumber(name, value);
        }
        json.WriteString("accountant", PrivacyTold.Accountant);
        json.WriteBoolean("repeatable_noise", told.Repeatable);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<Score> scores)
    {
        json.WriteStartObject(name);
        foreach (Score score in scores)
        {
            if (double.IsFinite(score.Value)) { json.WriteNumber(score.Name, score.Value); } else { json.WriteNull(score.Name); }
        }
        json.WriteEndObject();
    }
}
