using System.Collections.Concurrent;
using System.Reflection;
using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Gpu;

/// <summary>A kernel that has no body on an accelerator, run on the processor: its views are copied there and back.</summary>
internal static class Processor
{
    private static readonly ConcurrentDictionary<Type, FieldInfo[]> s_fields = new();
    private static readonly ConcurrentDictionary<Type, bool> s_views = new();

    public static void Run<K>(GpuDevice device, K kernel) where K : struct, IKernel
    {
        device.OnHost(K.Name);
        Dictionary<Block, CpuBlock> here = [];
        object boxed = kernel;
        List<(View There, View Here)> pairs = [];
        Move(boxed, here, pairs);
        ((K)boxed).Run();
        foreach (var (there, local) in pairs) { device.Write(CpuDevice.Of(local), there); }

        void Move(object owner, Dictionary<Block, CpuBlock> shadows, List<(View, View)> moved)
        {
            foreach (var field in Fields(owner.GetType()))
            {
                object value = field.GetValue(owner)!;
                if (value is View { IsNone: false, Block: GpuBlock } view)
                {
                    if (!shadows.TryGetValue(view.Block, out var shadow)) { shadows[view.Block] = shadow = new(view.Block.Capacity, pinned: false); }
                    View local = new(shadow, view.Offset, view.Length);
                    device.Read(view, CpuDevice.Of(local));
                    moved.Add((view, local));
                    field.SetValue(owner, local);
                }
                else if (HasViews(field.FieldType) && field.FieldType != typeof(View))
                {
                    Move(value, shadows, moved);
                    field.SetValue(owner, value);
                }
            }
        }
    }

    // a view, or a struct with views somewhere in it
    private static bool HasViews(Type type) => type == typeof(View) || (type is { IsValueType: true, IsPrimitive: false, IsEnum: false } && s_views.GetOrAdd(type, t => Array.Exists(Fields(t), f => f.FieldType != t && HasViews(f.FieldType))));

    private static FieldInfo[] Fields(Type type) => s_fields.GetOrAdd(type, t => t.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic));
}
