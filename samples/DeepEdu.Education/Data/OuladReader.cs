namespace DeepEdu.Education.Data;

/// <summary>Reads the Open University learning analytics data (Kuzilek et al. 2017) as far as they tell of assessments: what was due each week, submitted, late and missed, and the scores. A learner
/// left when it unregistered. The latest presentation is the test part. Files are named as in the published archive or as in the authors' R package.</summary>
internal static class OuladReader
{
    private const int Weeks = 30, Due = 0, Submitted = 1, Score = 2, Late = 3, Missed = 4;
    private static readonly string[] s_kinds = ["due", "submitted", "score", "late", "missed"];

    // what students are compared by, where the table has it
    private static readonly string[] s_groups = ["gender", "age_band", "disability", "highest_education", "imd_band"];

    // the archive's name of a table, and the package's
    private static readonly string[] s_students = ["studentInfo*.csv", "student.*csv"], s_registrations = ["studentRegistration*.csv", "student_registration*.csv"],
        s_assessments = ["assessments*.csv", "assessment.*csv"], s_submissions = ["studentAssessment*.csv", "student_assessment*.csv"];

    public static bool IsHere(string folder) => Find(folder, s_registrations) is not null && Find(folder, s_submissions) is not null;

    public static BehaviourLog Read(string folder)
    {
        // of each assessment its course, and the day it is due; exams have none
        Dictionary<string, (string Course, int Day)> assessments = [];
        foreach (TableRow row in Rows(folder, s_assessments))
        {
            if (!row.Misses(Column(row, "date"))) { assessments[Text(row, "id_assessment")] = (Course(row), row.Int(Column(row, "date"))); }
        }
        ILookup<string, (string Id, int Day)> ofCourse = assessments.ToLookup(a => a.Value.Course, a => (a.Key, a.Value.Day));
        Dictionary<(string Course, string Student), int?> left = [];
        foreach (TableRow row in Rows(folder, s_registrations))
        {
            int day = Column(row, "date_unregistration");
            left[(Course(row), Text(row, "id_student"))] = row.Misses(day) ? null : row.Int(day) < 0 ? -1 : row.Int(day) / 7;
        }
        Dictionary<(string Assessment, string Student), (int Day, float Score)> submitted = [];
        HashSet<(string Assessment, string Student)> banked = [];
        foreach (TableRow row in Rows(folder, s_submissions))
        {
            if (Text(row, "is_banked") is "TRUE" or "1")
            {
                banked.Add((Text(row, "id_assessment"), Text(row, "id_student"))); // taken over from an earlier presentation: nothing was to be done
                continue;
            }
            float score = row.FloatOrNaN(Column(row, "score"));
            submitted[(Text(row, "id_assessment"), Text(row, "id_student"))] = (row.Int(Column(row, "date_submitted")), float.IsNaN(score) ? 0 : score / 100);
        }
        List<(string Presentation, ObservedLearner Learner)> learners = [];
        string[] groups = [];
        foreach (TableRow row in Rows(folder, s_students))
        {
            groups = [.. s_groups.Where(row.Header.Contains)];
            string course = Course(row), student = Text(row, "id_student");
            if (!left.TryGetValue((course, student), out int? week)) { throw row.Error($"the student {student} is not registered for {course}."); }
            float[] counts = new float[Weeks * s_kinds.Length];
            foreach (var (id, due) in ofCourse[course])
            {
                if (banked.Contains((id, student))) { continue; }
                bool handedIn = submitted.TryGetValue((id, student), out var given);
                Add(counts, due, Due, 1);
                if (!handedIn || given.Day / 7 > due / 7) { Add(counts, due, Missed, 1); }
                if (!handedIn) { continue; }
                Add(counts, given.Day, Submitted, 1);
                Add(counts, given.Day, Score, given.Score);
                if (given.Day > due) { Add(counts, given.Day, Late, 1); }
            }
            learners.Add((Text(row, "code_presentation"), new(student, Array.ConvertAll(groups, g => Text(row, g)), counts, week)));
        }
        if (learners.Count == 0) { throw new DataException($"{folder}: no student."); }
        string last = learners.Max(l => l.Presentation)!;
        return new("oulad", s_kinds, [.. learners.Select(l => l.Learner)]) { GroupNames = groups, Test = [.. Enumerable.Range(0, learners.Count).Where(l => learners[l].Presentation == last)] };
    }

    private static string? Find(string folder, string[] names) => names.Select(name => TextSource.TryFind(folder, name)).FirstOrDefault(file => file is not null);

    private static IEnumerable<TableRow> Rows(string folder, string[] names)
        => TextTable.Rows(Find(folder, names) ?? throw new DataException($"{folder}: no file {string.Join(" or ", names)}, nor one of these with .gz, in this folder."), TableFormat.Comma);

    private static int Column(TableRow row, string name) => TableRow.Column(row.Path, row.Header, name, "the columns of OULAD");

    private static string Text(TableRow row, string name) => row.Fields[Column(row, name)].Trim();

    private static string Course(TableRow row) => $"{Text(row, "code_module")} {Text(row, "code_presentation")}";

    private static void Add(float[] counts, int day, int kind, float by)
    {
        int week = Math.Max(0, day) / 7; // what was handed in before the start is there at the start
        if (week < Weeks) { counts[(week * s_kinds.Length) + kind] += by; }
    }
}
