namespace DeepEdu.Education.Data;

/// <summary>What one learner answered, in order of time.</summary>
/// <param name="Learner">The learner's name; the place in the file where there is none.</param>
/// <param name="Group">A class or school, or null.</param>
/// <param name="Answers">The answers.</param>
internal sealed record LearnerSequence(string Learner, string? Group, Answer[] Answers)
{
    /// <summary>Whether learners have names, which mean the same in another file. If not, they are places.</summary>
    public bool Named { get; init; } = true;
}

/// <summary>One answer.</summary>
/// <param name="Item">The question, or null where only skills are known.</param>
/// <param name="Skills">What it asks for; none where that is not known.</param>
/// <param name="Correct">0 or 1, or the share that was right.</param>
/// <param name="Time">Milliseconds since 1970, or any unit that the file counts in; null if unknown.</param>
/// <param name="Seconds">How long it took; NaN if unknown.</param>
/// <param name="Attempts">How many attempts; NaN if unknown.</param>
/// <param name="Hints">How many hints; NaN if unknown.</param>
internal readonly record struct Answer(string? Item, string[] Skills, float Correct, long? Time = null, float Seconds = float.NaN, float Attempts = float.NaN, float Hints = float.NaN);

/// <summary>The answers of many learners: what knowledge tracing and cognitive diagnosis start from.</summary>
/// <param name="Name">Name of the data for reports.</param>
/// <param name="Learners">Each learner's answers.</param>
/// <param name="PassedOver">Rows of the file without a learner or an answer.</param>
internal sealed record LearnerLog(string Name, LearnerSequence[] Learners, int PassedOver = 0)
{
    public int Answers => Learners.Sum(l => l.Answers.Length);

    public int Items => Learners.SelectMany(l => l.Answers).Where(a => a.Item is not null).Select(a => a.Item).Distinct().Count();

    public int Skills => Learners.SelectMany(l => l.Answers).SelectMany(a => a.Skills).Distinct().Count();

    /// <summary>The share of right answers.</summary>
    public double Correct => Learners.SelectMany(l => l.Answers).Average(a => (double)a.Correct);

    /// <summary>Reads a long table of answers, or sequences of three or six lines a learner, whichever the file is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="columns">Which column of a long table is what; the header decides if null.</param>
    /// <param name="notes">Gets what was left out.</param>
    public static IEnumerable<LearnerSequence> Read(string path, EventColumns? columns = null, List<string>? notes = null)
    {
        if (SequenceReader.IsHere(path)) { return columns is null ? SequenceReader.Learners(path) : throw new DataException($"--columns: is of long tables; {path} holds sequences, whose lines are known."); }
        LearnerLog log = EventReader.Read(path, columns, TableFormat.Of(path));
        if (log.PassedOver > 0) { notes?.Add(log.PassedOverNote); }
        return log.Learners;
    }

    public string PassedOverNote => $"{Name}: {PassedOver} {(PassedOver == 1 ? "row" : "rows")} without a learner or an answer {(PassedOver == 1 ? "is" : "are")} passed over";
}
