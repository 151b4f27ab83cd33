using DeepEdu.Education.Personal;

namespace DeepEdu.Tests.Education;

/// <summary>Alone, as what other tests of the process leave lying counts as memory too.</summary>
[Collection("alone")]
public sealed class TableCopyTests : FolderTests
{
    /// <summary>A file of 30 MB takes no more memory than a small one, but for what the collector leaves lying.</summary>
    [Fact]
    public void LargeTablesTakeLittleMemory()
    {
        string table = Path.Combine(Folder, "large.csv"), to = Path.Combine(Folder, "out.csv");
        using (StreamWriter writer = new(table))
        {
            writer.Write("learner,text\n");
            string filler = new('x', 1000);
            for (int i = 0; i < 30_000; i++) { writer.Write($"learner {i},{filler}\n"); }
        }
        TableCopy copy = new(table);
        GC.Collect();
        long before = GC.GetTotalMemory(true), most = 0;
        int rows = 0;
        copy.Write(to, (_, fields) =>
        {
            if (++rows % 10_000 == 0) { most = Math.Max(most, GC.GetTotalMemory(true) - before); }
            return fields;
        });
        Assert.Equal(30_000, rows);
        Assert.InRange(most, long.MinValue, 5_000_000);
        Assert.Equal(new FileInfo(table).Length, new FileInfo(to).Length);
    }
}
