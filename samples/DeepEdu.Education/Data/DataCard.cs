using System.Globalization;
using System.Text;

namespace DeepEdu.Education.Data;

/// <summary>What a file or folder of data holds, in a few lines, read by whichever reader it is for.</summary>
internal static class DataCard
{
    public static readonly string[] Formats = ["long", "tracing", "diagnosis", "ncf", "atomic", "essays", "table"];

    /// <summary>The lines of the card.</summary>
    /// <param name="path">A file or folder.</param>
    /// <param name="format">One of <see cref="Formats"/>; found out if null.</param>
    /// <param name="columns">Which column of a long table is what; see <see cref="EventColumns.Parse"/>.</param>
    /// <param name="encoding">How characters are written; found out if null.</param>
    public static IEnumerable<string> Of(string path, string? format, string? columns, Encoding? encoding)
    {
        format ??= columns is not null ? "long" : Guess(path, encoding);
        IEnumerable<string> lines = format switch
        {
            "long" => Answers(EventReader.Read(path, EventColumns.Parse(columns ?? ""), TableFormat.Of(path, encoding))),
            "tracing" => Answers(TextSource.NameOf(path), SequenceReader.Learners(path, encoding)),
            "diagnosis" => DiagnosisReader.Read(path, encoding).SelectMany(log => Answers(log)),
            "ncf" => Of(NcfReader.Read(path)),
            "atomic" => Directory.Exists(path) ? Of(AtomicReader.Read(path, 1, encoding)) : AtomicReader.Columns(path, encoding).Select(Line),
            "essays" => Enumerable.Range(1, 8).Where(p => TextSource.TryFind(path, $"asap_prompt{p}.tsv") is not null || TextSource.TryFind(path, "training_set_rel3.tsv") is not null)
                .Select(p => AsapReader.Read(path, p, encoding)).Select(s => s.ToString()),
            "table" => Of(TypedTable.Read(path, TableFormat.Of(path, encoding))),
            _ => throw new DataException($"--format {format}: take one of {string.Join(", ", Formats)}."),
        };
        return lines.Prepend($"format: {format}");
    }

    private static string Guess(string path, Encoding? encoding)
    {
        if (Directory.Exists(path))
        {
            return TextSource.TryFind(path, "*.inter") is not null ? "atomic" : TextSource.TryFind(path, "*.train.rating") is not null ? "ncf" : TextSource.TryFind(path, "*.tsv") is not null ? "essays"
                : DiagnosisReader.IsHere(path) ? "diagnosis" : throw new DataException($"{path}: no *.inter, *.train.rating, *.tsv or item.csv in this folder; give a file of it, or --format.");
        }
        if (SequenceReader.IsHere(path, encoding)) { return "tracing"; }
        TableFormat format = TableFormat.Of(path, encoding);
        string[] header = TextTable.Rows(path, format with { Header = false }).First().Fields;
        return header[0].Contains(':', StringComparison.Ordinal) && format.Separator == '\t' ? "atomic"
            : EventColumns.Found.Find("user", path, header) >= 0 && EventColumns.Found.Find("correct", path, header) >= 0 ? "long" : "table";
    }

    private static string[] Answers(LearnerLog log) => Answers(log.Name, log.Learners, log.PassedOver);

    /// <summary>The lines for answers of learners, none of whom is kept.</summary>
    internal static string[] Answers(string name, IEnumerable<LearnerSequence> learners, int passedOver = 0)
    {
        List<int> lengths = [];
        HashSet<string> items = new(StringComparer.Ordinal), skills = new(StringComparer.Ordinal);
        (double right, long timed, long measured, long several) = (0, 0, 0, 0);
        foreach (LearnerSequence learner in learners)
        {
            lengths.Add(learner.Answers.Length);
            foreach (Answer a in learner.Answers)
            {
                if (a.Item is not null) { items.Add(a.Item); }
                skills.UnionWith(a.Skills);
                right += a.Correct;
                timed += a.Time is null ? 0 : 1;
                measured += float.IsNaN(a.Seconds) ? 0 : 1;
                several += a.Skills.Length > 1 ? 1 : 0;
            }
        }
        lengths.Sort();
        double answers = lengths.Sum(n => (long)n);
        List<string> lines =
        [
            $"{name}: {lengths.Count} learners, {answers} answers, {items.Count} items, {skills.Count} skills",
            string.Create(CultureInfo.InvariantCulture, $"right: {right / answers:P1}; answers a learner: {lengths[0]}..{lengths[^1]}, median {lengths[lengths.Count / 2]}"),
            string.Create(CultureInfo.InvariantCulture, $"times: {timed / answers:P1}, durations: {measured / answers:P1}, several skills: {several / answers:P1}"),
        ];
        if (passedOver > 0) { lines.Add($"{passedOver} rows without a learner or an answer are passed over"); }
        return [.. lines];
    }

    private static IEnumerable<string> Of(Interactions data)
    {
        yield return $"{data.Name}: {data.Users} users, {data.Items} items, {data.TrainCount} training interactions, {data.Test.Count(t => t >= 0)} held out";
        yield return string.Create(CultureInfo.InvariantCulture, $"of all pairs taken: {data.TrainCount / ((double)data.Users * data.Items):P2}");
        foreach (string note in data.Notes) { yield return note; }
    }

    private static IEnumerable<string> Of(TypedTable table)
    {
        yield return $"{TextSource.NameOf(table.Path)}: {table.Rows} rows, {table.Columns.Length} columns";
        foreach (TypedColumn column in table.Columns)
        {
            string what = column.Numbers is { } numbers
                ? string.Create(CultureInfo.InvariantCulture, $"numbers {numbers.Where(n => !float.IsNaN(n)).DefaultIfEmpty(float.NaN).Min()}..{numbers.Where(n => !float.IsNaN(n)).DefaultIfEmpty(float.NaN).Max()}")
                : $"{column.Names!.Distinct().Count(n => n is not null)} names";
            yield return $"  {column.Name}: {what}{(column.Missing > 0 ? $", {column.Missing} missing" : "")}";
        }
    }

    private static string Line(AtomicColumn column)
        => $"  {column.Name}: {(column.Tokens is { } t ? $"token, {t.Distinct().Count()} names" : column.Floats is not null ? "float" : column.TokenLists is not null ? "token_seq" : "float_seq")}";
}
