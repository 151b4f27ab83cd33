namespace DeepEdu.Education.Data;

/// <summary>Reads what learners did: <c>events.csv</c> with the columns user, week (from 1), event and, if one row stands for several, count; and <c>learners.csv</c> with user, left (the week
/// in which the learner left, empty if it stayed) and, if wanted, group, or several whose names begin with group.</summary>
internal static class BehaviourReader
{
    private const int MostWeeks = 1000; // more is a date or a time: each week takes memory
    private const string EventColumnsText = "user, week, event and, if one row stands for several, count";

    public static BehaviourLog Read(string folder)
    {
        string eventPath = TextSource.Find(folder, "events.csv"), learnerPath = TextSource.Find(folder, "learners.csv");
        List<BehaviourEvent> events = [.. Events(eventPath)];
        string[] kinds = [.. events.Select(e => e.Kind).Where(k => k.Length > 0).Distinct().Order(StringComparer.Ordinal)];
        if (kinds.Length == 0) { throw new DataException($"{eventPath}: no event."); }
        int weeks = events.Max(e => e.Week);
        Dictionary<string, ObservedLearner> learners = new(StringComparer.Ordinal);
        string[] names = [];
        foreach (TableRow row in TextTable.Rows(learnerPath, TableFormat.Of(learnerPath)))
        {
            names = [.. row.Header.Where(h => h.StartsWith("group", StringComparison.Ordinal))];
            string user = row.Fields[TableRow.Column(learnerPath, row.Header, "user", "user, left and, if wanted, group")].Trim();
            int left = TableRow.Column(learnerPath, row.Header, "left", "user, left and, if wanted, group");
            int? week = row.Misses(left) ? null : row.Int(left) is var w and >= 1 ? w - 1 : throw row.Error($"left in week {row.Int(left)}; weeks count from 1.");
            if (!learners.TryAdd(user, new(user, [.. names.Select(n => row.Fields[Array.IndexOf(row.Header, n)].Trim())], new float[weeks * kinds.Length], week))) { throw row.Error($"the learner '{user}' stands here twice."); }
        }
        if (learners.Count == 0) { throw new DataException($"{learnerPath}: a header but no rows."); }
        foreach (BehaviourEvent e in events)
        {
            ObservedLearner learner = learners.TryGetValue(e.User, out var found) ? found : throw DataException.At(eventPath, e.Line, $"the learner '{e.User}' is not in {learnerPath}.");
            if (e.Kind.Length > 0) { learner.Counts[((e.Week - 1) * kinds.Length) + Array.IndexOf(kinds, e.Kind)] += e.Count; }
        }
        return new(TextSource.NameOf(folder), kinds, [.. learners.Values]) { GroupNames = names };
    }

    /// <summary>The first weeks of new learners, of whom nothing else is known; later weeks are not looked at.</summary>
    public static ObservedLearner[] Read(string path, string[] kinds, int weeks)
    {
        Dictionary<string, ObservedLearner> learners = new(StringComparer.Ordinal);
        foreach (BehaviourEvent e in Events(path))
        {
            if (!learners.TryGetValue(e.User, out ObservedLearner? learner)) { learners.Add(e.User, learner = new(e.User, [], new float[weeks * kinds.Length], null)); }
            int kind = Array.IndexOf(kinds, e.Kind);
            if (kind < 0 && e.Kind.Length > 0) { throw DataException.At(path, e.Line, $"the event '{e.Kind}' is not one that the model learned from: {string.Join(", ", kinds)}."); }
            if (kind >= 0 && e.Week <= weeks) { learner.Counts[((e.Week - 1) * kinds.Length) + kind] += e.Count; }
        }
        return [.. learners.Values];
    }

    // an empty event only says that the learner is there
    private static IEnumerable<BehaviourEvent> Events(string path)
    {
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Of(path)))
        {
            int week = TableRow.Column(path, row.Header, "week", EventColumnsText), kind = TableRow.Column(path, row.Header, "event", EventColumnsText), count = Array.IndexOf(row.Header, "count");
            string user = row.Fields[TableRow.Column(path, row.Header, "user", EventColumnsText)].Trim();
            string name = row.Misses(kind) ? "" : row.Fields[kind].Trim();
            int at = name.Length == 0 && row.Misses(week) ? 1 : row.Int(week);
            if (at is < 1 or > MostWeeks) { throw row.Error($"week {at}; weeks count from 1, up to {MostWeeks}."); }
            float times = count < 0 || row.Misses(count) ? 1 : row.Float(count);
            yield return times >= 0 ? new(user, at, name, times, row.Line) : throw row.Error($"count {row.Fields[count]} is negative; it says how often the event was.");
        }
    }

    private readonly record struct BehaviourEvent(string User, int Week, string Kind, float Count, int Line);
}
