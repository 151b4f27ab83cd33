using System.Text;

namespace DeepEdu.Education.Data;

/// <summary>Reads the folders of cognitive diagnosis, as EduCDM has them: <c>train.csv</c>, <c>valid.csv</c> and <c>test.csv</c> with user_id, item_id and score, and
/// <c>item.csv</c> with item_id and knowledge_code, a list such as <c>[3, 7]</c>: which skills an item asks for (the Q-matrix).</summary>
internal static class DiagnosisReader
{
    private const string Items = "item.csv";
    private static readonly string[] s_parts = ["train", "valid", "test"];

    /// <summary>Whether a folder is one of these.</summary>
    public static bool IsHere(string folder) => TextSource.TryFind(folder, Items) is not null && TextSource.TryFind(folder, "train.csv") is not null;

    /// <summary>The parts that are there, each answer with its item's skills.</summary>
    public static LearnerLog[] Read(string folder, Encoding? encoding = null, EventColumns? columns = null)
    {
        Dictionary<string, string[]> skills = Skills(TextSource.Find(folder, Items), encoding);
        TextSource.Find(folder, "train.csv");
        return [.. s_parts.Select(p => TextSource.TryFind(folder, $"{p}.csv")).OfType<string>().Select(path => Named(EventReader.Read(path, columns, TableFormat.Comma with { Encoding = encoding }), path, skills))];
    }

    /// <summary>The skills of each item.</summary>
    public static Dictionary<string, string[]> Skills(string path, Encoding? encoding = null)
    {
        Dictionary<string, string[]> skills = new(StringComparer.Ordinal);
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Comma with { Encoding = encoding }))
        {
            int item = TableRow.Column(path, row.Header, "item_id", "item_id, knowledge_code"), code = TableRow.Column(path, row.Header, "knowledge_code", "item_id, knowledge_code");
            string list = row.Fields[code].Trim();
            if (list.Length < 2 || list[0] != '[' || list[^1] != ']') { throw row.Error($"knowledge_code {list}: expected a list such as [3, 7]."); }
            string[] names = [.. list[1..^1].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(n => n.Trim('\'', '"'))];
            if (!skills.TryAdd(row.Fields[item].Trim(), names)) { throw row.Error($"item {row.Fields[item]} stands here twice."); }
        }
        return skills;
    }

    private static LearnerLog Named(LearnerLog log, string path, Dictionary<string, string[]> skills) => log with
    {
        Learners = Array.ConvertAll(log.Learners, learner => learner with
        {
            Answers = Array.ConvertAll(learner.Answers, a => a.Item is not null && skills.TryGetValue(a.Item, out string[]? own) ? a with { Skills = own }
                : throw new DataException($"{path}: item {a.Item} is not in {Items}.")),
        }),
    };
}
