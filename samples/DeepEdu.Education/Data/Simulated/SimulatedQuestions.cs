using DeepEdu.Numerics;

namespace DeepEdu.Education.Data.Simulated;

/// <summary>Questions on courses, each fact asked for in several ways. The words of a question and of its answer meet in the course's name only, so that whoever compares words finds the course and has to guess the fact.</summary>
internal static class SimulatedQuestions
{
    private static readonly string[] s_courses =
    [
        "algebra", "geometry", "statistics", "logic", "physics", "optics", "mechanics", "chemistry", "biology", "genetics", "ecology", "geology", "astronomy", "history", "archaeology", "geography",
        "economics", "law", "ethics", "rhetoric", "grammar", "poetry", "drama", "music", "drawing", "sculpture", "programming", "robotics", "surveying", "medicine",
    ];

    private static readonly (string Answer, string[] Values, string[] Questions)[] s_facts =
    [
        ("{0} is taught by {1}.", ["Ada Lind", "Bela Horn", "Cara Moss", "Dov Stern"], ["Who gives {0}?", "Whose lecture is {0}?", "Which professor holds {0}?", "Who teaches {0}?"]),
        ("{0} takes place in hall {1}.", ["one", "two", "three", "four"], ["Where do we meet for {0}?", "Which room has {0}?", "Which building must I go to for {0}?", "Where do I sit down to hear {0}?"]),
        ("The written examination of {0} is on {1}.", ["Monday", "Tuesday", "Thursday", "Friday"], ["When do we write the test about {0}?", "Which date has the final for {0}?", "What day are we tested about {0}?", "When must I be ready with {0}?"]),
        ("{0} carries {1} units.", ["three", "four", "five", "six"], ["How many credits does {0} give?", "How many points do I get for {0}?", "What will I earn through {0}?", "How much does {0} count?"]),
        ("Required reading: {1} for {0}.", ["Gauss", "Euler", "Noether", "Turing"], ["What book do we use with {0}?", "What literature does {0} need?", "Which text goes with {0}?", "What should I buy before {0}?"]),
        ("{0} presupposes {1}.", ["arithmetic", "writing", "Latin", "nothing"], ["What must I pass before {0}?", "What do I need to know to enrol at {0}?", "Who may enter {0}?", "Which course comes before {0}?"]),
        ("Consultation on {0}: {1}.", ["noon", "morning", "evening", "afternoon"], ["When can I ask about {0}?", "When does someone help with {0}?", "What time may I come with a problem about {0}?", "When are there office hours for {0}?"]),
        ("Marks in {0} come from {1}.", ["essays", "projects", "homework", "talks"], ["How is {0} graded?", "How do they assess {0}?", "What makes the grade at {0}?", "How do I do well at {0}?"]),
    ];

    /// <summary>Of every fact some of the ways to ask for it.</summary>
    public static IEnumerable<(string Question, string Answer)> Create(ulong seed, int courses, int ways)
    {
        Rng rng = new(seed);
        foreach (string course in s_courses.Take(courses))
        {
            foreach (var (answer, values, questions) in s_facts)
            {
                string told = answer.Replace("{0}", course, StringComparison.Ordinal).Replace("{1}", values[rng.Next(values.Length)], StringComparison.Ordinal);
                foreach (int q in rng.Permutation(questions.Length)[..ways]) { yield return (questions[q].Replace("{0}", course, StringComparison.Ordinal), told); }
            }
        }
    }
}
